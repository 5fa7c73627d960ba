/* SPDX-License-Identifier: MIT */
/*
 * Where a beat is, by its likeness to the beats before it, and how much noise it holds. sibeat_edge.beats.alignment is
 * the definition.
 *
 * A detector puts the R-peak on the highest sample: of two nearly as high, now on the one, now on the other. So each
 * R-peak is moved to where its beat is most like the beats before it. Cut its window there.
 *
 * Keep one sibeat_aligner for each wearer, also across gaps in the signal.
 */
#ifndef SIBEAT_ALIGN_H
#define SIBEAT_ALIGN_H

#include <stdint.h>

#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Samples at 360 Hz that are needed before the R-peak, and from it on. */
#define SIBEAT_ALIGN_BEFORE 100
#define SIBEAT_ALIGN_AFTER 140
#define SIBEAT_ALIGN_CORE 180 /* of them, those of a kind */
#define SIBEAT_ALIGN_KINDS 4
/* R-peaks that, moved, lie closer than this are of one beat, found twice: leave the second one out altogether. */
#define SIBEAT_APART 36

/* Beats that look alike: their running mean. */
typedef struct {
    int16_t high[SIBEAT_ALIGN_CORE]; /* without its mean, of length 1: in 24 bits, the upper ones */
    uint8_t low[SIBEAT_ALIGN_CORE];  /* and the lower ones of each sample */
    float unit;                      /* of them */
    float count;                     /* recent beats */
    float place;                     /* running median of their offsets, samples */
} sibeat_align_kind;

/* Zeroed, it knows no beats, as at the start. */
typedef struct {
    sibeat_align_kind kinds[SIBEAT_ALIGN_KINDS];
    uint8_t kind_count;
} sibeat_aligner;

void sibeat_aligner_start(sibeat_aligner *aligner);

/*
 * Place the next beat. lead: SIBEAT_ALIGN_BEFORE filtered samples of the first lead before its R-peak and
 * SIBEAT_ALIGN_AFTER from it on, mV, each `leads` floats behind the one before; NULL where the signal is not known
 * throughout. They are spoilt, as the beat is brought to its shape where it lies.
 *
 * Returns the samples by which the R-peak is to be moved, -30 to 30, and sets *likeness to the beat's likeness to those
 * before it as a signal-to-noise ratio, -20 to 40 dB. It is NAN where it is not known: for the first beat, a flat
 * signal, or one that holds what is no number. These are not moved.
 *
 * A beat takes some 66,000 multiplications.
 */
int sibeat_aligner_push(sibeat_aligner *aligner, float *lead, int leads, float *likeness);

#ifdef __cplusplus
}
#endif

#endif
