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

static sibeat_source source_of(const sibeat_monitor *monitor)
{
    const sibeat_source source = {monitor->calls.read, monitor->calls.context, monitor->calls.room};

    return source;
}

/* Run the model, where the view's window lies; returns its score in units of its threshold, as the judge takes it. */
static float run(sibeat_monitor *monitor, const sibeat_wearer_view *view, sibeat_question question, int8_t *score)
{
    int8_t *input = (int8_t *)monitor->calls.room;

    sibeat_wearer_input(view, question, input);
    *score = monitor->calls.score(monitor->calls.context, input);
    return (float)(*score - SIBEAT_SCORE_ZERO_POINT) * SIBEAT_SCORE_SCALE / SIBEAT_THRESHOLD;
}

/* The scores of the oldest view that is ready, as the judge takes them. */
static sibeat_seen seen_of(sibeat_monitor *monitor, const sibeat_wearer_view *view, int8_t score, sibeat_look *look)
{
    const float whole = (float)(score - SIBEAT_SCORE_ZERO_POINT) * SIBEAT_SCORE_SCALE / SIBEAT_THRESHOLD;
    const float limit = sibeat_threshold_limit(&monitor->threshold) / SIBEAT_THRESHOLD;
    float *work = (float *)&monitor->calls.room->rest;
    int8_t other;
    sibeat_seen seen = {view->beat.rr, view->beat.likeness, NULL, whole, 0.0f, NAN, limit, 0};

    if (sibeat_judge_look(&monitor->judge, view->beat.window, view->own, work, look))
        seen.look = look;
    if (seen.look && sibeat_judge_needs_shape(look)) /* this one first: the window is lost with it */
        seen.shape_score = run(monitor, view, SIBEAT_OF_SHAPE, &other);
    seen.timing_score = run(monitor, view, SIBEAT_OF_TIME, &other);
    seen.is_over = score > sibeat_threshold_level(&monitor->threshold);
    return seen;
}

/* Score the next of the views that are ready and have a window. */
static void score_next(sibeat_monitor *monitor)
{
    const sibeat_source source = source_of(monitor);
    sibeat_wearer_view view;

    while (monitor->scored < monitor->wearer.ready) {
        int8_t *score = &monitor->scores[monitor->scored];
        if (sibeat_wearer_view_of(&monitor->wearer, monitor->scored++, &source, &view)) {
            run(monitor, &view, SIBEAT_WHOLE, score);
            sibeat_threshold_learn(&monitor->threshold, *score);
            return;
        }
    }
}

/* Judge the oldest of the views that are ready. */
static void judge_next(sibeat_monitor *monitor)
{
    const sibeat_source source = source_of(monitor);
    const int8_t score = monitor->scores[monitor->judged++];
    sibeat_outcome *awaiting = &monitor->awaiting;
    sibeat_wearer_view view;
    sibeat_verdict verdict;
    sibeat_look look;
    const int has_score = sibeat_wearer_view_of(&monitor->wearer, 0, &source, &view);
    sibeat_seen seen = {view.beat.rr, view.beat.likeness, NULL, 0.0f, 0.0f, NAN, 0.0f, 0};

    if (has_score)
        seen = seen_of(monitor, &view, score, &look);
    if (sibeat_judge_push(&monitor->judge, &seen, &verdict))
        tell(monitor, &verdict);
    memset(awaiting, 0, sizeof *awaiting);
    awaiting->time = view.beat.time;
    awaiting->rr = view.beat.rr;
    awaiting->note = view.beat.note;
    awaiting->timing_score = has_score ? seen.timing_score : NAN;
    awaiting->shape_score = seen.shape_score;
    awaiting->score = has_score ? score : 0;
    awaiting->has_score = (uint8_t)has_score;
    awaiting->is_above = seen.is_over;
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
    const sibeat_source source = source_of(monitor);
    sibeat_wearer *wearer = &monitor->wearer;

    /* The threshold learns from all of the views before the first of them can be an alarm. */
    if (wearer->ready && !monitor->judged && monitor->scored < wearer->ready)
        score_next(monitor);
    else if (wearer->ready)
        judge_next(monitor);
    else if (wearer->is_last)
        judge_last(monitor);
    else
        return sibeat_wearer_advance(wearer, &source);
    return 1;
}

/* A beat's own steps, and some of those that are left. Windows that cannot be read later are kept. */
static void work(sibeat_monitor *monitor, int steps)
{
    const sibeat_source source = source_of(monitor);

    for (; steps > 0 && sibeat_monitor_work(monitor); steps--)
        ;
    sibeat_wearer_keep(&monitor->wearer, &source);
}

void sibeat_monitor_push(sibeat_monitor *monitor, const sibeat_beat *beat)
{
    sibeat_beat given = *beat;

    if (!sibeat_wearer_has_room(&monitor->wearer)) {
        while (!sibeat_wearer_has_room(&monitor->wearer))
            sibeat_monitor_work(monitor);
        if (given.window) { /* it may have lain in the room */
            given.window = monitor->calls.room->window;
            monitor->calls.read(monitor->calls.context, given.time, monitor->calls.room->window);
        }
    }
    sibeat_wearer_push(&monitor->wearer, &given);
    work(monitor, SIBEAT_STEPS);
}

void sibeat_monitor_pause(sibeat_monitor *monitor, int is_known)
{
    sibeat_wearer_pause(&monitor->wearer, is_known);
    work(monitor, SIBEAT_STEPS + 2); /* and those of what comes behind it */
}

void sibeat_monitor_interrupt(sibeat_monitor *monitor)
{
    sibeat_wearer_interrupt(&monitor->wearer);
    work(monitor, SIBEAT_STEPS + 2); /* and those of what comes behind it */
    sibeat_stretch_start(&monitor->stretch);
}

static void work_all(sibeat_monitor *monitor)
{
    while (sibeat_monitor_work(monitor))
        ;
}

void sibeat_monitor_finish(sibeat_monitor *monitor)
{
    const sibeat_source source = source_of(monitor);
    sibeat_episode found[SIBEAT_EPISODES_MOST];

    work_all(monitor);
    sibeat_wearer_finish(&monitor->wearer, &source);
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

void sibeat_monitor_resume(sibeat_monitor *monitor)
{
    sibeat_template_resume(&monitor->wearer.own);
}

sibeat_restoring sibeat_monitor_restore(sibeat_monitor *monitor, const void *image, size_t bytes)
{
    const sibeat_part part = sibeat_monitor_part(monitor);
    const sibeat_restoring error = sibeat_image_restore(&part, 1, image, bytes);

    if (error == SIBEAT_RESTORED)
        sibeat_monitor_resume(monitor);
    return error;
}

#endif
