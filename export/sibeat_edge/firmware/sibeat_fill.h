/* SPDX-License-Identifier: MIT */
/*
 * Missing samples, which are NAN or infinite: short gaps become a straight line, longer ones hold the last value; before
 * the first sample it is zero. FillMissing of sibeat_edge.signal.filters is the definition.
 */
#ifndef SIBEAT_FILL_H
#define SIBEAT_FILL_H

#include "sibeat_config.h"
#include "sibeat_filters.h"
#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_FILL_HELD (SIBEAT_LONGEST_BRIDGE + 1)

typedef struct {
    float held[SIBEAT_FILL_HELD][SIBEAT_LEADS]; /* the newest samples, a ring, those of gaps that may still be short, too */
    float last[SIBEAT_LEADS];                   /* the last known sample of each lead */
    uint8_t open[SIBEAT_LEADS];                 /* samples of its gap that may still be short */
    uint8_t is_long[SIBEAT_LEADS];              /* whether its gap is none that is bridged */
    uint8_t waiting;                            /* samples that have not been taken */
    uint8_t next;                               /* where in the ring the next sample is put */
    uint8_t longest;
} sibeat_fill;

/* longest: samples of a gap that is bridged, at most SIBEAT_LONGEST_BRIDGE. */
void sibeat_fill_start(sibeat_fill *fill, int longest);

/* Add a sample of all leads. */
void sibeat_fill_push(sibeat_fill *fill, const float sample[SIBEAT_LEADS]);

/* The signal ends: a gap that is open holds the last value. */
void sibeat_fill_finish(sibeat_fill *fill);

/* Returns 1 and sets filled to the oldest sample that has not been taken, if it is certain. */
int sibeat_fill_take(sibeat_fill *fill, float filled[SIBEAT_LEADS]);

#ifdef __cplusplus
}
#endif

#endif
