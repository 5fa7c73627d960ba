/* SPDX-License-Identifier: MIT */
/*
 * A window in a tenth of its memory, for the beats of a warm-up. A part of sibeat_template. Empty for a model that judges
 * a beat alone.
 *
 * A filtered window holds nothing above 45 Hz or so: every third of its samples at 360 Hz tells the others. At both ends,
 * where nothing is known of what lies beyond, all samples are kept. They are levels, each told by its difference from the
 * one before in a Rice code, which takes few bits where a lead is flat. A lead has as fine levels as its bytes can hold.
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
#define SIBEAT_PACKED_BYTES 108

typedef struct {
    float unit; /* mV of a level */
    uint8_t bits[SIBEAT_PACKED_BYTES];
} sibeat_packed_lead;

typedef struct {
    sibeat_packed_lead leads[SIBEAT_LEADS];
} sibeat_packed;

/* window: filtered samples in mV, as for sibeat_quantise_beside, all of them numbers. */
void sibeat_pack(const float *window, sibeat_packed *packed);

/* The SIBEAT_PACKED_LEVELS levels of a lead, mV; and what they make of the sample at a place of the window. */
void sibeat_packed_levels(const sibeat_packed_lead *lead, float *levels);
float sibeat_packed_at(const float *levels, int place);

/* All of the window. levels: room for those of a lead. */
void sibeat_unpack(const sibeat_packed *packed, float *window, float *levels);

/*
 * Add a value, given at a place of a window, to the SIBEAT_PACKED_LEVELS levels that make the sample there, each by its
 * part in it. So a product with a packed window costs no more than one with its levels:
 * the sum of value * sibeat_packed_at is the sum of spread * level.
 */
void sibeat_packed_spread(float value, int place, float *spread);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
