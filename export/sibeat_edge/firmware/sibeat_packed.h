/* SPDX-License-Identifier: MIT */
/*
 * A window in a sixth of its memory, for the beats of a warm-up. A part of sibeat_template. Empty for a model that
 * judges a beat alone.
 *
 * A filtered window holds nothing above 45 Hz or so: every third of its samples at 360 Hz tells the others. They are
 * kept as levels of 12 bits, four of them with a common exponent, so that a flat stretch is resolved finely beside a
 * QRS. At both ends, where nothing is known of what lies beyond, all samples are kept.
 */
#ifndef SIBEAT_PACKED_H
#define SIBEAT_PACKED_H

#include <stdint.h>

#include "sibeat_config.h"
#include "sibeat_floats.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_WINDOW_SIZE (SIBEAT_LENGTH * SIBEAT_LEADS)
#define SIBEAT_PACKED_STEP 3 /* of the samples, those that are kept */
#define SIBEAT_PACKED_ENDS 2 /* steps at either end of which all samples are kept */
#define SIBEAT_PACKED_STEPS ((SIBEAT_LENGTH - 1) / SIBEAT_PACKED_STEP)
#define SIBEAT_PACKED_LEVELS                                                                                           \
    (SIBEAT_PACKED_STEPS + 2 * SIBEAT_PACKED_ENDS * (SIBEAT_PACKED_STEP - 1) +                                         \
     SIBEAT_LENGTH - SIBEAT_PACKED_STEPS * SIBEAT_PACKED_STEP)
#define SIBEAT_PACKED_BLOCK 4 /* levels with a common exponent */
#define SIBEAT_PACKED_BLOCKS ((SIBEAT_PACKED_LEVELS + SIBEAT_PACKED_BLOCK - 1) / SIBEAT_PACKED_BLOCK)

typedef struct {
    float base, scale; /* mV: sample = base + scale * level / 2^halvings */
    int8_t levels[SIBEAT_PACKED_LEVELS]; /* without their lowest bits, */
    uint16_t lowest[SIBEAT_PACKED_BLOCKS]; /* which are here, four of each, those of a block together */
    uint8_t halvings[(SIBEAT_PACKED_BLOCKS + 1) / 2]; /* of two blocks in a byte */
} sibeat_packed_lead;

typedef struct {
    sibeat_packed_lead leads[SIBEAT_LEADS];
} sibeat_packed;

/* window: filtered samples in mV, as for sibeat_quantise_beside, all of them numbers. */
void sibeat_pack(const float *window, sibeat_packed *packed);

/* The sample of a lead at a place of the window, mV. */
float sibeat_packed_at(const sibeat_packed *packed, int lead, int place);

/* All of the window. */
void sibeat_unpack(const sibeat_packed *packed, float *window);

/* A level of a lead as it counts without its base, in mV. */
float sibeat_packed_level(const sibeat_packed_lead *lead, int number);

/*
 * Add a value, given at a place of a window, to the SIBEAT_PACKED_LEVELS levels that make the sample there, each by its
 * part in it. So a product with a packed window costs no more than one with its levels:
 * the sum of value * sibeat_packed_at is the sum of spread * sibeat_packed_level, where the values have no mean.
 */
void sibeat_packed_spread(float value, int place, float *spread);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
