/* SPDX-License-Identifier: MIT */
/*
 * A lead at the lowered rate of sibeat_filters.h: there a band-pass takes some hundred multiplications a sample in place
 * of a thousand, and its output a third of the memory. What lies between the slow samples is computed where it is needed.
 * All have the response of the taps of sibeat_edge.signal.filters.
 *
 * Slow sample k stands at sample SIBEAT_DECIMATION * (k - SIBEAT_SLOW_FIRST) of 360 Hz. The first ones stand before the
 * signal, which counts as zero there: take its first sample away from all.
 */
#ifndef SIBEAT_SLOW_H
#define SIBEAT_SLOW_H

#include "sibeat_filters.h"
#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_BANK_TAPS (2 * SIBEAT_BANK_HALF - 1)
#define SIBEAT_SLOW_HELD (2 * SIBEAT_WINDOW_HALF - 1)
#define SIBEAT_SLOW_FIRST ((SIBEAT_BANK_HALF - 1) / SIBEAT_DECIMATION)
#define SIBEAT_SLOW_AROUND ((SIBEAT_BANK_TAPS + SIBEAT_DECIMATION - 1) / SIBEAT_DECIMATION)

/* The newest samples of a lead; zeroed, it has none. */
typedef struct {
    float fast[SIBEAT_BANK_TAPS]; /* a ring, at 360 Hz */
    float slow[SIBEAT_SLOW_HELD]; /* a ring, at the lowered rate */
    uint32_t made;                /* slow samples */
    uint16_t next_fast, next_slow;
    uint16_t wait; /* samples until the next slow one, counted down; SIBEAT_DECIMATION at the start */
} sibeat_slow;

void sibeat_slow_start(sibeat_slow *slow);

/* Add a sample at 360 Hz. Returns 1 if a slow one is made of it. */
int sibeat_slow_push(sibeat_slow *slow, float sample);

/* The output of the band-pass of these `half` taps for the slow sample half - 1 before the newest one. */
float sibeat_slow_filtered(const sibeat_slow *slow, const float *taps, int half);

/*
 * The sample at 360 Hz that lies `part` samples, 0 to SIBEAT_DECIMATION - 1, behind that (SIBEAT_BANK_HALF - 1) before
 * the last of SIBEAT_SLOW_AROUND slow samples.
 */
float sibeat_slow_between(const float *around, int part);

/*
 * The newest slow samples of a window's lead, the newest of these 16 bits each with a common unit for each block, older
 * ones 8 bits each: only a beat that is found seconds later is cut from them. Zeroed, it is empty.
 */
#define SIBEAT_RING_BLOCK 16
#define SIBEAT_RING_BLOCKS_OF(seconds) ((seconds) * 360 / SIBEAT_DECIMATION / SIBEAT_RING_BLOCK + 1)
#define SIBEAT_RING_FINE SIBEAT_RING_BLOCKS_OF(5)
#define SIBEAT_RING_COARSE (SIBEAT_RING_BLOCKS_OF(20) - SIBEAT_RING_FINE + 1)

typedef struct {
    int16_t parts[SIBEAT_RING_FINE][SIBEAT_RING_BLOCK];
    float units[SIBEAT_RING_FINE];
    int8_t coarse[SIBEAT_RING_COARSE][SIBEAT_RING_BLOCK];
    int8_t exponents[SIBEAT_RING_COARSE];
    float newest[SIBEAT_RING_BLOCK]; /* those of the block that is not full */
    uint32_t count;                  /* slow samples so far */
} sibeat_ring;

void sibeat_ring_push(sibeat_ring *ring, float value);

/* Copy the samples at 360 Hz from `first` on, each `step` floats behind the one before; they have to be there. */
void sibeat_ring_read(const sibeat_ring *ring, uint32_t first, int count, float *samples, int step);

/* Number of samples at 360 Hz that can be read. */
uint32_t sibeat_ring_end(const sibeat_ring *ring);

#ifdef __cplusplus
}
#endif

#endif
