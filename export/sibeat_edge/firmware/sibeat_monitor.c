/* SPDX-License-Identifier: MIT */
#include "sibeat_monitor.h"

#if SIBEAT_RHYTHM_FEATURES

#include <math.h>
#include <stddef.h>
#include <string.h>

void sibeat_monitor_init(sibeat_monitor *monitor, const sibeat_calls *calls)
{
    memset(monitor, 0, sizeof *monitor);
    sibeat_aligner_start(&monitor->aligner);
    sibeat_stretch_start(&monitor->stretch);
    sibeat_threshold_init(&monitor->threshold, SIBEAT_THRESHOLD, SIBEAT_USUAL_SCORE, SIBEAT_SCORE_SCALE,
                          SIBEAT_SCORE_ZERO_POINT, SIBEAT_PERSONAL_SCORES);
    sibeat_judge_init(&monitor->judge, SIBEAT_BEFORE, SIBEAT_LENGTH, SIBEAT_LEADS);
    sibeat_episodes_start(&monitor->episodes);
    sibeat_alarms_init(&monitor->alarms, SIBEAT_TOLD, SIBEAT_QUIET);
    sibeat_wearer_start(&monitor->wearer, SIBEAT_WAITS);
    monitor->calls = *calls;
}

static void tell_episodes(sibeat_monitor *monitor, const sibeat_episode *found, int count, int64_t time)
{
    const sibeat_calls *calls = &monitor->calls;
    sibeat_episode told[SIBEAT_EPISODES_MOST];
    const int telling = sibeat_alarms_push(&monitor->alarms, found, count, time, told);

    for (int k = 0; k < count && calls->episode; k++)
        calls->episode(calls->context, &found[k]);
    for (int k = 0; k < telling && calls->alarm; k++)
        calls->alarm(calls->context, &told[k]);
}

/* The last verdicts that are due. */
static void settle(sibeat_monitor *monitor, int at_end)
{
    sibeat_verdict verdict;

    for (; sibeat_judge_settle(&monitor->judge, at_end, &verdict); monitor->settled++)
        if (monitor->calls.settled)
            monitor->calls.settled(monitor->calls.context, monitor->settled, &verdict);
}

/* The first verdict on the beat that has waited for it. */
static void tell(sibeat_monitor *monitor, const sibeat_verdict *verdict)
{
    sibeat_outcome *outcome = &monitor->awaiting;
    const sibeat_judged_beat beat = {outcome->time, outcome->rr, verdict->kind, verdict->is_irregular};
    sibeat_episode found[SIBEAT_EPISODES_MOST];

    outcome->verdict = *verdict;
    if (monitor->calls.judged)
        monitor->calls.judged(monitor->calls.context, outcome);
    tell_episodes(monitor, found, sibeat_episodes_push(&monitor->episodes, &beat, found), beat.time);
    settle(monitor, 0);
}

/* Run the model; returns its score in units of its threshold, as the judge takes it. */
static float run(sibeat_monitor *monitor, const sibeat_wearer_view *view, sibeat_question question,
                 int8_t *score)
{
    int8_t input[SIBEAT_INPUT_BYTES];

    monitor->runs++;
    sibeat_wearer_input(view, question, input);
    *score = monitor->calls.score(monitor->calls.context, input);
    return (float)(*score - SIBEAT_SCORE_ZERO_POINT) * SIBEAT_SCORE_SCALE / SIBEAT_THRESHOLD;
}

/* The scores of a view as the judge takes them. */
static sibeat_seen seen_of(sibeat_monitor *monitor, const sibeat_wearer_view *view, int8_t score)
{
    const float whole = (float)(score - SIBEAT_SCORE_ZERO_POINT) * SIBEAT_SCORE_SCALE / SIBEAT_THRESHOLD;
    const float limit = sibeat_threshold_limit(&monitor->threshold) / SIBEAT_THRESHOLD;
    const float *window = view->beat.window;
    int8_t other;
    sibeat_seen seen = {view->beat.rr, view->beat.likeness, window, view->own, whole, 0.0f, NAN, limit, 0};

    seen.timing_score = run(monitor, view, SIBEAT_OF_TIME, &other);
    if (sibeat_judge_needs_shape(&monitor->judge, window, view->own))
        seen.shape_score = run(monitor, view, SIBEAT_OF_SHAPE, &other);
    seen.is_over = score > sibeat_threshold_level(&monitor->threshold);
    return seen;
}

/* Score the next of the views that are ready and have a window. */
static void score_next(sibeat_monitor *monitor)
{
    sibeat_wearer_view view;

    while (monitor->scored < monitor->wearer.ready) {
        int8_t *score = &monitor->scores[monitor->scored];
        if (sibeat_wearer_view_of(&monitor->wearer, monitor->scored++, &view)) {
            run(monitor, &view, SIBEAT_WHOLE, score);
            sibeat_threshold_learn(&monitor->threshold, *score);
            return;
        }
    }
}

/* Judge the oldest of the views that are ready. */
static void judge_next(sibeat_monitor *monitor)
{
    const int8_t score = monitor->scores[monitor->judged++];
    sibeat_wearer_view view;
    sibeat_verdict verdict;
    const int has_score = sibeat_wearer_view_of(&monitor->wearer, 0, &view);
    sibeat_seen seen = {view.beat.rr, view.beat.likeness, NULL, NULL, 0.0f, 0.0f, NAN, 0.0f, 0};

    if (has_score)
        seen = seen_of(monitor, &view, score);
    if (sibeat_judge_push(&monitor->judge, &seen, &verdict))
        tell(monitor, &verdict);
    memset(&monitor->awaiting, 0, sizeof monitor->awaiting);
    monitor->awaiting.time = view.beat.time;
    monitor->awaiting.rr = view.beat.rr;
    monitor->awaiting.timing_score = has_score ? seen.timing_score : NAN;
    monitor->awaiting.shape_score = seen.shape_score;
    monitor->awaiting.score = has_score ? score : 0;
    monitor->awaiting.has_score = (uint8_t)has_score;
    monitor->awaiting.is_above = seen.is_over;
    sibeat_wearer_done(&monitor->wearer);
    if (!monitor->wearer.ready)
        monitor->scored = monitor->judged = 0;
}

/* No beat follows soon on the one that waits for its verdict. */
static void judge_last(sibeat_monitor *monitor)
{
    sibeat_verdict verdict;

    monitor->wearer.is_last = 0;
    if (sibeat_judge_finish(&monitor->judge, &verdict))
        tell(monitor, &verdict);
}

int sibeat_monitor_work(sibeat_monitor *monitor)
{
    sibeat_wearer *wearer = &monitor->wearer;

    /* The threshold learns from all of the views before the first of them can be an alarm. */
    if (wearer->ready && !monitor->judged && monitor->scored < wearer->ready)
        score_next(monitor);
    else if (wearer->ready)
        judge_next(monitor);
    else if (wearer->is_last)
        judge_last(monitor);
    else
        return sibeat_wearer_advance(wearer);
    return 1;
}

static void work(sibeat_monitor *monitor)
{
    const uint32_t before = monitor->runs;

    while (monitor->runs - before < SIBEAT_RUNS && sibeat_monitor_work(monitor))
        ;
}

void sibeat_monitor_push(sibeat_monitor *monitor, const sibeat_beat *beat)
{
    while (!sibeat_wearer_has_room(&monitor->wearer))
        sibeat_monitor_work(monitor);
    sibeat_wearer_push(&monitor->wearer, beat);
    work(monitor);
    sibeat_wearer_keep(&monitor->wearer, beat->window);
}

void sibeat_monitor_pause(sibeat_monitor *monitor, int is_known)
{
    sibeat_wearer_pause(&monitor->wearer, is_known);
    work(monitor);
}

void sibeat_monitor_interrupt(sibeat_monitor *monitor)
{
    sibeat_wearer_interrupt(&monitor->wearer);
    work(monitor);
    sibeat_stretch_start(&monitor->stretch);
}

static void work_all(sibeat_monitor *monitor)
{
    while (sibeat_monitor_work(monitor))
        ;
}

void sibeat_monitor_finish(sibeat_monitor *monitor)
{
    sibeat_episode found[SIBEAT_EPISODES_MOST];

    work_all(monitor);
    sibeat_wearer_finish(&monitor->wearer);
    work_all(monitor);
    settle(monitor, 1);
    tell_episodes(monitor, found, sibeat_episodes_finish(&monitor->episodes, found), monitor->awaiting.time);
    sibeat_stretch_start(&monitor->stretch);
}

sibeat_part sibeat_monitor_part(sibeat_monitor *monitor)
{
    const sibeat_part part = {monitor, offsetof(sibeat_monitor, calls)};

    return part;
}

size_t sibeat_monitor_save(sibeat_monitor *monitor, void *image, size_t room)
{
    const sibeat_part part = sibeat_monitor_part(monitor);

    return sibeat_image_save(&part, 1, image, room);
}

sibeat_restoring sibeat_monitor_restore(sibeat_monitor *monitor, const void *image, size_t bytes)
{
    const sibeat_part part = sibeat_monitor_part(monitor);

    return sibeat_image_restore(&part, 1, image, bytes);
}

#endif
