/* SPDX-License-Identifier: MIT */
/*
 * The wearer's own threshold, learnt all the time, as sibeat_edge.model.threshold defines it: the general one, moved by
 * half of the difference between the median of the wearer's scores and the usual median. In the median a score counts
 * half once 2,000 more have come.
 *
 * Learn from every score before the first of those that become certain with it is judged. At the end of a warm-up many
 * become certain together: learn from all of them first.
 */
#ifndef SIBEAT_THRESHOLD_H
#define SIBEAT_THRESHOLD_H

#include <stdint.h>

#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_LEVELS 256         /* different int8 scores */
#define SIBEAT_PERSONAL_SCORES 50 /* from which the wearer's own threshold holds */
#define SIBEAT_NO_MEDIAN 128      /* no int8 score */

typedef struct {
    float weights[SIBEAT_LEVELS]; /* of the scores from -128 to 127 */
    uint32_t grown;               /* scores since the weights were divided last */
    float general, usual, scale;
    int16_t zero_point;
    uint16_t personal, learnt; /* learnt: scores so far, up to personal */
} sibeat_threshold;

/*
 * general, usual, scale, zero_point: SIBEAT_THRESHOLD, SIBEAT_USUAL_SCORE, SIBEAT_SCORE_SCALE (above 0) and
 * SIBEAT_SCORE_ZERO_POINT of the model. personal: scores from which the wearer's own threshold holds, as
 * SIBEAT_PERSONAL_SCORES; 0 keeps the general one.
 */
void sibeat_threshold_init(sibeat_threshold *threshold, float general, float usual, float scale, int zero_point,
                           unsigned personal);

/* Learn from the model's int8 score of a beat. It takes a few operations. */
void sibeat_threshold_learn(sibeat_threshold *threshold, int8_t score);

/* The median int8 score, or SIBEAT_NO_MEDIAN before the first one. It takes at most 512 additions. */
int sibeat_threshold_median(const sibeat_threshold *threshold);

/* The highest int8 score that is not above the threshold that holds now; it may lie beyond -128 and 127. */
int sibeat_threshold_level(const sibeat_threshold *threshold);

/* That threshold in units of the score, in the middle between two levels. */
float sibeat_threshold_limit(const sibeat_threshold *threshold);

#ifdef __cplusplus
}
#endif

#endif
