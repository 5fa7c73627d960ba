/* SPDX-License-Identifier: MIT */
/*
 * How readable the stretch of signal around a beat is, by how alike its beats are. sibeat_edge.beats.stretch is the
 * definition. An ectopic beat comes alone, or is like the other ones; noise makes every beat different.
 *
 * Begin a new one with each stream, that is, behind every gap of time.
 */
#ifndef SIBEAT_STRETCH_H
#define SIBEAT_STRETCH_H

#include <stdint.h>

#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_STRETCH 9 /* beats */

/* Zeroed, it has seen no beats. */
typedef struct {
    float likeness[SIBEAT_STRETCH]; /* of the newest beats, the oldest first */
    uint8_t count;
    uint8_t is_unfit; /* two limits, so that a stretch does not flicker */
} sibeat_stretch;

void sibeat_stretch_start(sibeat_stretch *stretch);

/*
 * Add a beat by its likeness in dB, as sibeat_aligner_push gives it; NAN if it is not known. Returns whether the newest
 * beat may be scored, and sets *ratio to the stretch's signal-to-noise ratio in dB, or NAN as long as there are too few
 * beats.
 */
int sibeat_stretch_push(sibeat_stretch *stretch, float likeness, float *ratio);

#ifdef __cplusplus
}
#endif

#endif
