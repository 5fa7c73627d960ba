/* SPDX-License-Identifier: MIT */
/*
 * From a wearer's beats to alarms, each part in its turn, as sibeat_edge.scorer puts them together: the wearer's
 * template and rhythm, the model, the threshold that it teaches, the judge, episodes, and which of them are told.
 * Empty for a model that judges a beat alone.
 *
 * Keep one sibeat_monitor and one sibeat_wearer for each wearer. For each R-peak that the detector finds:
 *
 *     moved = sibeat_aligner_push(&monitor.aligner, around, SIBEAT_LEADS, &likeness);
 *     ...the R-peak is `moved` samples later; leave it out if it is less than SIBEAT_APART behind the one before
 *     fit = sibeat_stretch_push(&monitor.stretch, likeness, &ratio);
 *     ...cut the window around the moved R-peak: it is fit if sibeat_quality_of(window, fit) == SIBEAT_FINE
 *     sibeat_monitor_push(&monitor, &beat);
 */
#ifndef SIBEAT_MONITOR_H
#define SIBEAT_MONITOR_H

#include <stdint.h>

#include "sibeat_alarms.h"
#include "sibeat_align.h"
#include "sibeat_judge.h"
#include "sibeat_stretch.h"
#include "sibeat_threshold.h"
#include "sibeat_wearer.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_MONITOR_MOST_BYTES 24576

/* A beat with its first verdict. */
typedef struct {
    int64_t time; /* as it was pushed: ticks */
    float rr;     /* s, or NAN */
    float timing_score, shape_score; /* as in sibeat_seen, in units of the model's threshold; NAN if not computed */
    sibeat_verdict verdict;
    int8_t score; /* of the model */
    uint8_t has_score, is_above; /* is_above: the threshold that held */
} sibeat_outcome;

/* What a firmware brings along. Each but score may be NULL. */
typedef struct {
    /* Runs the model on SIBEAT_INPUT_BYTES of input; returns its int8 score. */
    int8_t (*score)(void *context, const int8_t *input);
    /* The first verdict on each beat, in order of time. */
    void (*judged)(void *context, const sibeat_outcome *outcome);
    /* The last verdict on each beat: its number, counted from 0, and what it is with what has been learnt since. */
    void (*settled)(void *context, uint32_t number, const sibeat_verdict *verdict);
    /* An episode begins or ends. */
    void (*episode)(void *context, const sibeat_episode *episode);
    /* An episode is to be told. */
    void (*alarm)(void *context, const sibeat_episode *episode);
    void *context;
} sibeat_calls;

/* All that is kept of a wearer but for template and windows. */
typedef struct {
    sibeat_aligner aligner;
    sibeat_stretch stretch;
    sibeat_threshold threshold;
    sibeat_judge judge;
    sibeat_episodes episodes;
    sibeat_alarms alarms;
    sibeat_calls calls;
    sibeat_wearer *wearer;
    sibeat_outcome awaiting; /* the beat that the judge has no verdict on */
    uint32_t settled;        /* beats with a last verdict */
    int8_t scores[SIBEAT_HELD + 1];
} sibeat_monitor;

typedef char sibeat_monitor_fits[sizeof(sibeat_monitor) <= SIBEAT_MONITOR_MOST_BYTES ? 1 : -1];

/* wearer: started with sibeat_wearer_start. calls is copied. The defaults of each part hold. */
void sibeat_monitor_init(sibeat_monitor *monitor, sibeat_wearer *wearer, const sibeat_calls *calls);

/*
 * Add a beat, fit to be scored or not, in order of time; its time is in ticks, samples at 360 Hz. It runs the model at
 * most three times, and makes its calls before it returns. At the end of a warm-up it does so for all of its beats, at
 * most SIBEAT_HELD: do not call it where the sampling waits.
 */
void sibeat_monitor_push(sibeat_monitor *monitor, const sibeat_beat *beat);

/*
 * Call it where no beat has come for SIBEAT_LONGEST_RR seconds and as long as the detector may still find one: the
 * newest beat waits no longer. is_known: whether the signal since is known throughout.
 */
void sibeat_monitor_pause(sibeat_monitor *monitor, int is_known);

/* Call it where the signal breaks off and goes on at another time. */
void sibeat_monitor_interrupt(sibeat_monitor *monitor);

/* Call it at the end: all beats get their verdicts, and all episodes end. What is known of the wearer is kept. */
void sibeat_monitor_finish(sibeat_monitor *monitor);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
