/* SPDX-License-Identifier: MIT */
/*
 * Puts each beat beside the wearer's own beats and rhythm, for the model to score, as sibeat_edge.beats.wearer does.
 * Empty for a model that judges a beat alone.
 *
 * A beat's view is ready with the next beat, if the model waits for that. The beats of a warm-up wait for its end, the
 * last SIBEAT_HELD of them: then all their views are ready together. **Score them all, and let the threshold learn from
 * all scores, before the first of them is judged.**
 *
 * Keep one sibeat_wearer for each wearer, also across gaps in the signal:
 *
 *     const int ready = sibeat_wearer_push(&wearer, &beat);
 *     for (int k = 0; k < ready; k++)
 *         if (sibeat_wearer_view_of(&wearer, k, &view))
 *             ...make the inputs of it with sibeat_wearer_input, run the model, keep the score, learn from it
 *     for (int k = 0; k < ready; k++)
 *         ...judge it by its score, or as a beat without one
 */
#ifndef SIBEAT_WEARER_H
#define SIBEAT_WEARER_H

#include <stdint.h>

#include "sibeat_config.h"
#include "sibeat_rhythm.h"
#include "sibeat_template.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_HELD (2 * SIBEAT_WARM_UP) /* beats that wait for the warm-up's end */
#define SIBEAT_FEWEST_BEATS 20           /* fit ones that are enough for a template where the stream ends before */
#define SIBEAT_INTERVALS (SIBEAT_HELD + 1 + SIBEAT_HISTORY + 3)

/* A beat, fit to be scored or not. */
typedef struct {
    int64_t time;        /* of its R-peak, in any unit; it is only handed on */
    float rr;            /* s since the R-peak before; NAN across a gap, and for the first beat */
    float likeness;      /* dB, as of sibeat_aligner_push; only handed on */
    const float *window; /* its filtered samples in mV, as for sibeat_quantise_beside; NULL if it is unfit */
} sibeat_beat;

/* A beat beside what is the wearer's own. The pointers hold until the next beat is pushed. */
typedef struct {
    sibeat_beat beat; /* its window is NULL for one without a score: unfit, or of a warm-up that took too long */
    const float *own; /* the template that is most like it, or NULL */
    float features[SIBEAT_RHYTHM_FEATURES];
} sibeat_wearer_view;

#define SIBEAT_OLDER (SIBEAT_WARM_UP + 1)

/*
 * The windows of a warm-up that has been prolonged: of its fit beats older than those that sibeat_template holds. It is
 * needed until the warm-up's end, and may serve as other memory afterwards.
 */
typedef struct {
    float windows[SIBEAT_OLDER][SIBEAT_WINDOW_SIZE];
} sibeat_older;

typedef struct {
    sibeat_template own;
    sibeat_older *older;
    float newest[2][SIBEAT_WINDOW_SIZE]; /* the windows of the newest two fit beats */
    float intervals[SIBEAT_INTERVALS];   /* between two fit beats, s, or NAN; a ring */
    struct {
        int64_t time;
        float rr, likeness;
        uint32_t fit; /* its number among the fit beats, from 1; 0 if it is unfit */
    } beats[SIBEAT_HELD + 1];      /* those that are held; a ring */
    uint32_t total;                /* beats so far */
    uint8_t held, ready;           /* beats held, the newest; and of them, the oldest, those whose views are ready */
    uint8_t waits, was_fit;        /* was_fit: the beat before, with no gap behind it */
    float after_newest;            /* seconds that the newest beat had none behind it, or NAN */
} sibeat_wearer;

/*
 * waits: whether the model waits for the next beat, as SIBEAT_WAITS. older: where the windows of a prolonged warm-up
 * are held; NULL to save its memory. Then the oldest beats of such a warm-up get no score, and the threshold learns
 * from fewer, than sibeat_edge has: at most SIBEAT_WARM_UP fit beats are held.
 */
void sibeat_wearer_start(sibeat_wearer *wearer, int waits, sibeat_older *older);

/*
 * Add a beat. Its window is needed only during this call. A negative interval counts as one that is not known, and a
 * window with what is no number, or beyond 1e6 mV, as unfit. Returns how many views are ready, at most SIBEAT_HELD + 1;
 * those of the call before are gone. It takes as long as sibeat_template_push.
 */
int sibeat_wearer_push(sibeat_wearer *wearer, const sibeat_beat *beat);

/*
 * The same where no beat has come for some seconds: the newest one waits no longer. is_known: whether the signal since
 * is known throughout.
 */
int sibeat_wearer_pause(sibeat_wearer *wearer, int is_known);

/* The same where the signal breaks off, and goes on at another time. The beats of a warm-up go on waiting. */
int sibeat_wearer_interrupt(sibeat_wearer *wearer);

/* The same at the end: of all beats that are left, with a template of SIBEAT_FEWEST_BEATS if need be. */
int sibeat_wearer_finish(sibeat_wearer *wearer);

/* Set *view to a view that is ready, from 0 for the oldest. Returns whether the beat is to be scored. */
int sibeat_wearer_view_of(const sibeat_wearer *wearer, int number, sibeat_wearer_view *view);

/* What the model is asked for a beat. */
typedef enum {
    SIBEAT_WHOLE = 0, /* the beat as it is: its score */
    SIBEAT_OF_TIME,   /* the template in its place, with the beat's rhythm: its timing_score, for sibeat_judge */
    SIBEAT_OF_SHAPE   /* the beat had it been on time: its shape_score, where sibeat_judge_needs_shape */
} sibeat_question;

/* Make the model's SIBEAT_INPUT_BYTES of input. Returns 0 and leaves them alone for a view without a score. */
int sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
