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
    uint8_t is_unfit, is_unclean; /* two limits each, so that a stretch does not flicker */
} sibeat_stretch;

typedef enum {
    SIBEAT_UNFIT = 0, /* its beats are not scored */
    SIBEAT_FIT,       /* they are scored, if there is a template to judge them beside, which does not learn from them */
    SIBEAT_CLEAN
} sibeat_fitness;

void sibeat_stretch_start(sibeat_stretch *stretch);

/*
 * Add a beat by its likeness in dB, as sibeat_aligner_push gives it; NAN if it is not known. Returns how fit the
 * stretch is, and sets *ratio to its signal-to-noise ratio in dB, or NAN as long as there are too few beats.
 */
sibeat_fitness sibeat_stretch_push(sibeat_stretch *stretch, float likeness, float *ratio);

#ifdef __cplusplus
}
#endif

#endif
