/* SPDX-License-Identifier: MIT */
/*
 * From a wearer's beats to alarms, each part in its turn, as sibeat_edge.scorer puts them together: the wearer's
 * template and rhythm, the model, the threshold that it teaches, the judge, episodes, and which of them are told.
 * Empty for a model that judges a beat alone.
 *
 * Keep one sibeat_monitor for each wearer. For each R-peak that the detector finds:
 *
 *     moved = sibeat_aligner_push(&monitor.aligner, around, 1, &likeness);
 *     ...the R-peak is `moved` samples later; leave it out if it is less than SIBEAT_APART behind the one before
 *     fit = sibeat_stretch_push(&monitor.stretch, likeness, &ratio);
 *     ...cut the window around the moved R-peak: sibeat_quality_of(window, fit, &is_scored) == SIBEAT_FINE: it is clean
 *     sibeat_monitor_push(&monitor, &beat);
 *
 * Where there is time, `while (sibeat_monitor_work(&monitor))` ends what the end of a warm-up has left to do.
 */
#ifndef SIBEAT_MONITOR_H
#define SIBEAT_MONITOR_H

#include <stdint.h>

#include "sibeat_alarms.h"
#include "sibeat_align.h"
#include "sibeat_image.h"
#include "sibeat_judge.h"
#include "sibeat_stretch.h"
#include "sibeat_threshold.h"
#include "sibeat_wearer.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_MONITOR_MOST_BYTES 21504 /* for a model of one lead */
#define SIBEAT_STEPS 2 /* with which a push ends, if there is no need of more: as many as a beat takes */

/* A beat with its first verdict. */
typedef struct {
    int64_t time; /* as it was pushed: ticks */
    float rr;     /* s, or NAN */
    uint16_t note; /* as it was pushed */
    float timing_score, shape_score; /* as in sibeat_seen, in units of the model's threshold; NAN if not computed */
    sibeat_verdict verdict;
    int8_t score; /* of the model */
    uint8_t has_score, is_above; /* is_above: the threshold that held */
} sibeat_outcome;

/* What a firmware brings along. Each but score, read and room may be NULL. */
typedef struct {
    /* Runs the model on SIBEAT_INPUT_BYTES of input; returns its int8 score. */
    int8_t (*score)(void *context, const int8_t *input);
    /*
     * Reads again the window with this time, as it was pushed: of the newest beat or, while that is pushed, of the one
     * before.
     */
    void (*read)(void *context, int64_t time, float *window);
    /* The first verdict on each beat, in order of time. */
    void (*judged)(void *context, const sibeat_outcome *outcome);
    /* The last verdict on each beat: its number, counted from 0, and what it is with what has been learnt since. */
    void (*settled)(void *context, uint32_t number, const sibeat_verdict *verdict);
    /* An episode begins or ends. */
    void (*episode)(void *context, const sibeat_episode *episode);
    /* An episode is to be told. */
    void (*alarm)(void *context, const sibeat_episode *episode);
    void *context;
    sibeat_room *room; /* a pushed beat's window may lie in it, and `score` gets the model's input there */
} sibeat_calls;

/* All that is kept of a wearer, and calls, which are not his. */
typedef struct {
    sibeat_aligner aligner;
    sibeat_stretch stretch;
    sibeat_threshold threshold;
    sibeat_judge judge;
    sibeat_episodes episodes;
    sibeat_alarms alarms;
    sibeat_wearer wearer;
    sibeat_outcome awaiting; /* the beat that the judge has no verdict on */
    uint32_t settled;        /* beats with a last verdict */
    uint8_t scored, judged;  /* of the views that became ready together */
    int8_t scores[SIBEAT_HELD + 1];
    sibeat_calls calls; /* the last, as it is all that is not saved */
} sibeat_monitor;

typedef char sibeat_monitor_fits[SIBEAT_LEADS > 1 || sizeof(sibeat_monitor) <= SIBEAT_MONITOR_MOST_BYTES ? 1 : -1];

/* calls is copied. The defaults of each part hold. */
void sibeat_monitor_init(sibeat_monitor *monitor, const sibeat_calls *calls);

/*
 * Add a beat, fit to be scored or not, in order of time; its time is in ticks, samples at 360 Hz. Its window is needed
 * only during this call, but for calls.read. It runs the model at most three times, and makes its calls before it
 * returns.
 *
 * At the end of a warm-up its beats, at most SIBEAT_HELD, are searched for a template, scored and judged: some 250 steps
 * of which each takes as long as up to two runs of the model. Each push ends with SIBEAT_STEPS of them; sibeat_monitor_work
 * does the others. The beats that are pushed meanwhile wait for their turn, and where there is no room for them, a push
 * does as many steps as it takes. Verdicts and their order are the same, but that some come later.
 */
void sibeat_monitor_push(sibeat_monitor *monitor, const sibeat_beat *beat);

/* Do a step of what is left to do: at most two runs of the model. Returns 0 where there was nothing. */
int sibeat_monitor_work(sibeat_monitor *monitor);

/*
 * Call it where no beat has come for SIBEAT_LONGEST_RR seconds and as long as the detector may still find one: the
 * newest beat waits no longer. is_known: whether the signal since is known throughout.
 */
void sibeat_monitor_pause(sibeat_monitor *monitor, int is_known);

/* Call it where the signal breaks off and goes on at another time. */
void sibeat_monitor_interrupt(sibeat_monitor *monitor);

/*
 * Call it at the end: all beats get their verdicts, and all episodes end. What is known of the wearer is kept. It does
 * all that is left to do, in a warm-up up to three runs of the model for each of its beats.
 */
void sibeat_monitor_finish(sibeat_monitor *monitor);

/* Of an image of a monitor, and that as a part of a larger one: call sibeat_monitor_resume once it is restored. */
#define SIBEAT_MONITOR_IMAGE_BYTES (sizeof(sibeat_image_header) + offsetof(sibeat_monitor, calls))
sibeat_part sibeat_monitor_part(sibeat_monitor *monitor);
void sibeat_monitor_resume(sibeat_monitor *monitor);

/*
 * Returns the bytes written: SIBEAT_MONITOR_IMAGE_BYTES, or 0 where there is no room for them. calls.read is still asked
 * for the newest beat's window, by the monitor that is restored, too, unless the signal has been interrupted.
 */
size_t sibeat_monitor_save(sibeat_monitor *monitor, void *image, size_t room);

/* Go on where a monitor was saved, with the calls of this one, which sibeat_monitor_init has made. */
sibeat_restoring sibeat_monitor_restore(sibeat_monitor *monitor, const void *image, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
