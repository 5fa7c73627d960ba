/*
 * What a beat is compared with: the wearer's own beats and rhythm. Keep one sibeat_template and one sibeat_rhythm
 * for each wearer. Empty for a model that judges a beat alone.
 */
#ifndef SIBEAT_WEARER_H
#define SIBEAT_WEARER_H

#include <stdint.h>

#include "sibeat_config.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_WINDOW_SIZE (SIBEAT_LENGTH * SIBEAT_LEADS)
#define SIBEAT_INTERVALS (SIBEAT_HISTORY + 3)

/* The newest RR intervals. */
typedef struct {
    float logs[SIBEAT_INTERVALS]; /* a ring; NAN where unknown */
    uint16_t next, count;
} sibeat_rhythm;

void sibeat_rhythm_start(sibeat_rhythm *rhythm);

/*
 * Push the seconds from the beat before to this one, for every beat, fit to be scored or not. They are NAN across a
 * gap, and where this beat or the one before it is unfit.
 */
void sibeat_rhythm_push(sibeat_rhythm *rhythm, float seconds);

/*
 * The SIBEAT_RHYTHM_FEATURES features of the newest beat. after: seconds to the next beat, or NAN where the model does
 * not wait for it.
 */
void sibeat_rhythm_features(const sibeat_rhythm *rhythm, float after, float *features);

/* The shape of a kind of the wearer's own beats, and the usual RR interval before them in seconds. */
typedef struct {
    float middle[SIBEAT_WINDOW_SIZE];
    float rr;
    float gain;     /* sum of the logarithms of the sizes of the last beats in a row that had another size */
    uint8_t steady; /* number of these beats */
} sibeat_kind;

typedef struct {
    sibeat_kind kinds[2]; /* the one in use last is the first */
    uint8_t kind_count;   /* 0 in the warm-up */
    float others[SIBEAT_WARM_UP][SIBEAT_WINDOW_SIZE]; /* the newest beats of no kind, or of the warm-up; a ring */
    float intervals[SIBEAT_WARM_UP];
    uint8_t first, other_count;
    uint32_t count;  /* beats pushed */
    uint32_t since;  /* of them, those before the others were last searched for a kind */
    uint32_t unlike; /* beats of no kind since then */
} sibeat_template;

void sibeat_template_start(sibeat_template *own);

/*
 * Learn from a beat that is fit to be scored. window: its filtered samples in mV, as for sibeat_quantise_beside.
 * seconds: since the beat before, as for sibeat_rhythm_push. Returns the number of templates; 0 in the warm-up.
 *
 * Most beats take as long as a few passes over the window. The end of the warm-up and of its prolongations, and every
 * SIBEAT_UNLIKE-th beat of no kind, take some 2,000 times that: half a second for each lead on a Cortex-M4 of 64 MHz,
 * as estimated. So do not call it where the sampling waits.
 */
int sibeat_template_push(sibeat_template *own, const float *window, float seconds);

/* The template that is most like a beat, to compare it with; NULL in the warm-up. */
const float *sibeat_template_nearest(const sibeat_template *own, const float *window);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
