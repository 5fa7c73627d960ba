/* SPDX-License-Identifier: MIT */
/*
 * Puts each beat beside the wearer's own beats and rhythm, for the model to score, as sibeat_edge.beats.wearer does.
 * Empty for a model that judges a beat alone.
 *
 * A beat's view is ready with the next beat, if the model waits for that. The beats of a warm-up wait for its end: then
 * all their views are ready together. **Score them all, and let the threshold learn from all scores, before the first
 * of them is judged.** As that takes long, it may be done bit by bit: beats that are pushed meanwhile are queued.
 *
 * Keep one sibeat_wearer for each wearer, also across gaps in the signal. sibeat_monitor uses it so:
 *
 *     sibeat_wearer_push(&wearer, &beat);
 *     do {
 *         for (int k = 0; k < wearer.ready; k++)
 *             if (sibeat_wearer_view_of(&wearer, k, &source, &view))
 *                 ...make the inputs of it with sibeat_wearer_input, run the model, keep the score, learn from it
 *         while (wearer.ready) {
 *             ...judge the view of number 0 by its score, or as a beat without one
 *             sibeat_wearer_done(&wearer);
 *         }
 *     } while (sibeat_wearer_advance(&wearer, &source));
 *     sibeat_wearer_keep(&wearer, &source);
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

#define SIBEAT_HELD (2 * SIBEAT_WARM_UP) /* beats that wait for the warm-up's end, SIBEAT_WARM_UP fit ones at most */
#define SIBEAT_QUEUED 4 /* that may come until the first of the warm-up's beats is judged */
#define SIBEAT_HELD_MOST (SIBEAT_HELD + 1 + SIBEAT_QUEUED)
#define SIBEAT_FEWEST_BEATS 20 /* fit ones that are enough for a template where the stream ends before */
#define SIBEAT_INTERVALS (SIBEAT_HISTORY + 3) /* before the oldest beat that is held */

/* A likeness in two bytes: 0 where it is not known. Rounded down, so that it is on the same side of each whole dB. */
#define SIBEAT_LIKENESSES 1024.0f /* a dB */
#define SIBEAT_LEAST_LIKENESS (-20.0f)

/* A beat, fit to be scored or not. */
typedef struct {
    int64_t time;        /* of its R-peak, ticks: samples at 360 Hz; less than 69 days from that of a beat that waits */
    float rr;            /* s since the R-peak before, of whole ticks, up to 182 s; NAN across a gap, and at first */
    float likeness;      /* dB, as of sibeat_aligner_push; only handed on */
    uint16_t note;       /* of who pushes it; only handed on */
    uint8_t is_clean;    /* whether the template may learn from its window; in a warm-up another one counts as none */
    const float *window; /* its filtered samples in mV, as for sibeat_quantise_beside; NULL if it is unfit */
} sibeat_beat;

/*
 * Where the window of a beat is read again, while the next one is pushed; and memory, of which only a search for a kind
 * keeps a part between two calls.
 */
typedef struct {
    void (*read)(void *context, int64_t time, float *window); /* the one with this time, as it was pushed */
    void *context;
    sibeat_room *room;
} sibeat_source;

/* A beat beside what is the wearer's own. The pointers hold as long as nothing else uses the room. */
typedef struct {
    sibeat_beat beat; /* its window is NULL for one without a score: unfit, or of a warm-up that took too long */
    const float *own; /* the template that is most like it, or NULL */
    float features[SIBEAT_RHYTHM_FEATURES];
} sibeat_wearer_view;

/* A beat that is held. */
typedef struct {
    uint32_t time;     /* the lower half */
    uint16_t likeness; /* in SIBEAT_LIKENESSES above the least */
    uint16_t rr;       /* as of sibeat_ticks_of */
    uint16_t note;
    uint8_t place;  /* of its window */
    uint8_t behind; /* what has come behind it, before the next beat; whether its rr lies between two fit beats */
} sibeat_held;

typedef struct {
    sibeat_template own;
    uint16_t intervals[SIBEAT_INTERVALS]; /* between two fit beats no longer held, as of sibeat_ticks_of; a ring */
    sibeat_held beats[SIBEAT_HELD_MOST];  /* a ring */
    int64_t time;                         /* of the newest beat */
    uint32_t total;                       /* beats so far */
    uint8_t held;                         /* of them, the newest; */
    uint8_t ready;                        /* of these, the oldest, those whose views are ready; */
    uint8_t queued;                       /* and the newest, those that nothing has been learnt from */
    uint8_t behind;                       /* what has come behind the last beat that has been learnt from */
    uint8_t waits, was_fit;               /* was_fit: the beat before, with no gap behind it */
    uint8_t is_last;                      /* no beat follows soon on the views that are ready */
    float after_newest;                   /* seconds that the newest beat had none behind it, or NAN */
} sibeat_wearer;

/* waits: whether the model waits for the next beat, as SIBEAT_WAITS. */
void sibeat_wearer_start(sibeat_wearer *wearer, int waits);

/* Whether there is room for one more beat. There is, unless the views of a warm-up are left ready for too long. */
int sibeat_wearer_has_room(const sibeat_wearer *wearer);

/*
 * Add a beat, where there is room. A negative interval counts as one that is not known, and a window with what is no
 * number, or beyond 1e6 mV, as unfit. `ready` tells how many views are ready then. It takes as long as
 * sibeat_template_push.
 */
void sibeat_wearer_push(sibeat_wearer *wearer, const sibeat_beat *beat);

/* Once the views that were ready are done, or as many as there was time for: keep windows that cannot be read later. */
void sibeat_wearer_keep(sibeat_wearer *wearer, const sibeat_source *source);

/* The oldest view that is ready is needed no longer. */
void sibeat_wearer_done(sibeat_wearer *wearer);

/* Where no view is ready, go on with a search for a template, or what is queued; returns 0 where nothing is. */
int sibeat_wearer_advance(sibeat_wearer *wearer, const sibeat_source *source);

/*
 * No beat has come for some seconds: the newest one waits no longer. is_known: whether the signal since is known
 * throughout. sibeat_wearer_advance does it, when the beats before have had their turn.
 */
void sibeat_wearer_pause(sibeat_wearer *wearer, int is_known);

/* The same where the signal breaks off, and goes on at another time. The beats of a warm-up go on waiting. */
void sibeat_wearer_interrupt(sibeat_wearer *wearer);

/* The end, where nothing is queued: all views that are left are ready, of SIBEAT_FEWEST_BEATS if need be. */
void sibeat_wearer_finish(sibeat_wearer *wearer, const sibeat_source *source);

/*
 * Set *view to a view that is ready, from 0 for the oldest, its window in the room. Returns whether the beat is to be
 * scored.
 */
int sibeat_wearer_view_of(sibeat_wearer *wearer, int number, const sibeat_source *source,
                          sibeat_wearer_view *view);

/* What the model is asked for a beat. */
typedef enum {
    SIBEAT_WHOLE = 0, /* the beat as it is: its score */
    SIBEAT_OF_TIME,   /* the template in its place, with the beat's rhythm: its timing_score, for sibeat_judge */
    SIBEAT_OF_SHAPE   /* the beat had it been on time: its shape_score, where sibeat_judge_needs_shape */
} sibeat_question;

/*
 * Make the model's SIBEAT_INPUT_BYTES of input. Returns 0 and leaves them alone for a view without a score. They may lie
 * where its window begins, which is lost then.
 */
int sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
