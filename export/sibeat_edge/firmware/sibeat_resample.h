/* SPDX-License-Identifier: MIT */
/* From the front end's rate to 360 Hz, sample by sample. sibeat_edge.signal.resampling is the definition. */
#ifndef SIBEAT_RESAMPLE_H
#define SIBEAT_RESAMPLE_H

#include "sibeat_filters.h"
#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_RESAMPLE_HELD (2 * SIBEAT_RESAMPLER_REACH + 1)

/* One for each lead. */
typedef struct {
    const sibeat_rate *rate;
    float held[SIBEAT_RESAMPLE_HELD]; /* the newest samples, a ring */
    int16_t ahead;                    /* samples that have come, less the place of the next output */
    uint16_t phase;                   /* by how many of `up` parts that lies behind its place */
    uint8_t next;                     /* where in the ring the next sample is put */
} sibeat_resampler;

/* The supported rate of so many Hz, or NULL. */
const sibeat_rate *sibeat_rate_of(uint32_t hz);

/* Before its first sample, the signal counts as zero: take the first one away from all, so that they begin there. */
void sibeat_resampler_start(sibeat_resampler *resampler, const sibeat_rate *rate);

/* Add a sample. */
void sibeat_resampler_push(sibeat_resampler *resampler, float sample);

/* Returns 1 and sets *even to the next sample at 360 Hz, if it is certain. Ask until it returns 0, after each push. */
int sibeat_resampler_take(sibeat_resampler *resampler, float *even);

#ifdef __cplusplus
}
#endif

#endif
