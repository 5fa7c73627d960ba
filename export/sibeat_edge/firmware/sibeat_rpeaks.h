/* SPDX-License-Identifier: MIT */
/*
 * Streaming R-peak detector on the filtered lead at 360 Hz, after Hamilton's rules. sibeat_edge.signal.rpeaks is the
 * definition, where each is explained.
 */
#ifndef SIBEAT_RPEAKS_H
#define SIBEAT_RPEAKS_H

#include <stdint.h>

#include "sibeat_newest.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_REFRACTORY 72 /* samples */
#define SIBEAT_LEAD_HELD 112
#define SIBEAT_RECENT 8   /* peaks that make a level */
#define SIBEAT_SKIPPED 64 /* newest rejected candidates */
#define SIBEAT_USUAL 256  /* newest beats that define what is usual */

/* A peak of the energy, which may be a beat. */
typedef struct {
    uint32_t peak; /* R-peak, samples */
    float energy, slope;
} sibeat_candidate;

/* The newest numbers of a level, the oldest first. */
typedef struct {
    float values[SIBEAT_RECENT];
    uint8_t count;
} sibeat_level;

/* Zeroed, it has heard nothing. */
typedef struct {
    float lead[SIBEAT_LEAD_HELD];     /* the newest samples, a ring */
    float energy[SIBEAT_REFRACTORY];  /* the newest mean slopes, a ring */
    sibeat_candidate skipped[SIBEAT_SKIPPED]; /* the oldest first; at the start those from which the levels are learnt */
    sibeat_candidate last;            /* the last beat */
    sibeat_level qrs, noise;
    float slopes[SIBEAT_RECENT];      /* of the newest beats, a ring */
    uint16_t intervals[SIBEAT_RECENT]; /* between the newest beats, samples, or UINT16_MAX; a ring */
    uint8_t usual_energy[SIBEAT_USUAL], usual_sharpness[SIBEAT_USUAL]; /* of beats, rings, in codes of 8 bits */
    int32_t sum;                      /* of the newest slopes */
    uint32_t seen;                    /* samples so far */
    uint32_t known;                   /* sample from which on the levels hold */
    float highest;                    /* energy that none of those before it is above, as far as they are near; or 0 */
    uint32_t highest_at;              /* its sample */
    uint32_t beats;                   /* so far */
    uint8_t skipped_count, has_last, is_sensitive;
    uint8_t next_interval;            /* its place; with SIBEAT_RECENT added once all places are filled */
    void (*found)(void *context, uint32_t peak); /* called for each R-peak, in order of time */
    void *context;
} sibeat_rpeaks;

/* is_sensitive: whether to miss fewer beats for some more false detections, as beside a wearer's template. */
void sibeat_rpeaks_start(sibeat_rpeaks *rpeaks, int is_sensitive, void (*found)(void *context, uint32_t peak),
                         void *context);

/* Add a filtered sample, mV. It calls `found` for the R-peaks that have become certain, some 0.3 s later. */
void sibeat_rpeaks_push(sibeat_rpeaks *rpeaks, float sample);

/* The same for those that the end of the signal makes certain. */
void sibeat_rpeaks_finish(sibeat_rpeaks *rpeaks);

#ifdef __cplusplus
}
#endif

#endif
