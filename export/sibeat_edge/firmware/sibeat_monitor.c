/* SPDX-License-Identifier: MIT */
#include "sibeat_monitor.h"

#if SIBEAT_RHYTHM_FEATURES

#include <math.h>
#include <string.h>

void sibeat_monitor_init(sibeat_monitor *monitor, sibeat_wearer *wearer, const sibeat_calls *calls)
{
    memset(monitor, 0, sizeof *monitor);
    sibeat_aligner_start(&monitor->aligner);
    sibeat_stretch_start(&monitor->stretch);
    sibeat_threshold_init(&monitor->threshold, SIBEAT_THRESHOLD, SIBEAT_USUAL_SCORE, SIBEAT_SCORE_SCALE,
                          SIBEAT_SCORE_ZERO_POINT, SIBEAT_PERSONAL_SCORES);
    sibeat_judge_init(&monitor->judge, SIBEAT_BEFORE, SIBEAT_LENGTH, SIBEAT_LEADS);
    sibeat_episodes_start(&monitor->episodes);
    sibeat_alarms_init(&monitor->alarms, SIBEAT_TOLD, SIBEAT_QUIET);
    monitor->wearer = wearer;
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
static float run(const sibeat_monitor *monitor, const sibeat_wearer_view *view, sibeat_question question,
                 int8_t *score)
{
    int8_t input[SIBEAT_INPUT_BYTES];

    sibeat_wearer_input(view, question, input);
    *score = monitor->calls.score(monitor->calls.context, input);
    return (float)(*score - SIBEAT_SCORE_ZERO_POINT) * SIBEAT_SCORE_SCALE / SIBEAT_THRESHOLD;
}

/* Score the views that are ready. The threshold learns from all of them before the first of them can be an alarm. */
static void score_all(sibeat_monitor *monitor, int ready)
{
    sibeat_wearer_view view;

    for (int k = 0; k < ready; k++)
        if (sibeat_wearer_view_of(monitor->wearer, k, &view)) {
            run(monitor, &view, SIBEAT_WHOLE, &monitor->scores[k]);
            sibeat_threshold_learn(&monitor->threshold, monitor->scores[k]);
        }
}

/* The scores of a view as the judge takes them. */
static sibeat_seen seen_of(const sibeat_monitor *monitor, const sibeat_wearer_view *view, int8_t score)
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

static void judge_all(sibeat_monitor *monitor, int ready)
{
    score_all(monitor, ready);
    for (int k = 0; k < ready; k++) {
        sibeat_wearer_view view;
        sibeat_verdict verdict;
        const int has_score = sibeat_wearer_view_of(monitor->wearer, k, &view);
        sibeat_seen seen = {view.beat.rr, view.beat.likeness, 0, 0, 0.0f, 0.0f, NAN, 0.0f, 0};
        if (has_score)
            seen = seen_of(monitor, &view, monitor->scores[k]);
        if (sibeat_judge_push(&monitor->judge, &seen, &verdict))
            tell(monitor, &verdict);
        memset(&monitor->awaiting, 0, sizeof monitor->awaiting);
        monitor->awaiting.time = view.beat.time;
        monitor->awaiting.rr = view.beat.rr;
        monitor->awaiting.timing_score = has_score ? seen.timing_score : NAN;
        monitor->awaiting.shape_score = seen.shape_score;
        monitor->awaiting.score = has_score ? monitor->scores[k] : 0;
        monitor->awaiting.has_score = (uint8_t)has_score;
        monitor->awaiting.is_above = seen.is_over;
    }
}

/* No beat follows soon on the one that waits for its verdict. */
static void judge_last(sibeat_monitor *monitor)
{
    sibeat_verdict verdict;

    if (sibeat_judge_finish(&monitor->judge, &verdict))
        tell(monitor, &verdict);
}

void sibeat_monitor_push(sibeat_monitor *monitor, const sibeat_beat *beat)
{
    judge_all(monitor, sibeat_wearer_push(monitor->wearer, beat));
}

void sibeat_monitor_pause(sibeat_monitor *monitor, int is_known)
{
    judge_all(monitor, sibeat_wearer_pause(monitor->wearer, is_known));
    judge_last(monitor);
}

void sibeat_monitor_interrupt(sibeat_monitor *monitor)
{
    judge_all(monitor, sibeat_wearer_interrupt(monitor->wearer));
    judge_last(monitor);
    sibeat_stretch_start(&monitor->stretch);
}

void sibeat_monitor_finish(sibeat_monitor *monitor)
{
    sibeat_episode found[SIBEAT_EPISODES_MOST];

    judge_all(monitor, sibeat_wearer_finish(monitor->wearer));
    judge_last(monitor);
    settle(monitor, 1);
    tell_episodes(monitor, found, sibeat_episodes_finish(&monitor->episodes, found), monitor->awaiting.time);
    sibeat_stretch_start(&monitor->stretch);
}

#endif
