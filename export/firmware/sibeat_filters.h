/* SPDX-License-Identifier: MIT */
/* The filters of a lead, as sibeat_edge.signal has them: the half of each from its middle tap on. */
#ifndef SIBEAT_FILTERS_H
#define SIBEAT_FILTERS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_DECIMATION 3 /* the band-passes run at so much less than 360 Hz */
#define SIBEAT_BANK_HALF 23 /* the low-pass before and behind them */
#define SIBEAT_WINDOW_HALF 193 /* the band-pass of the windows */
#define SIBEAT_DETECTOR_HALF 49 /* that of the R-peak detector */
#define SIBEAT_WINDOW_OFFSET 2.35038381e-02f /* gain of a constant */
#define SIBEAT_RESAMPLER_REACH 15 /* samples to either side, of a resampler */
#define SIBEAT_LONGEST_BRIDGE 20 /* samples of a bridged gap */

/* A front end's rate: the resampler makes `up` samples of `down`. */
typedef struct {
    const float *taps; /* the filter at 1 / up of a sample, or NULL where nothing is resampled */
    uint16_t hz, up, down, half; /* half: places of the last tap */
} sibeat_rate;

/*
 * The rates that are supported; hz is 0 behind the last one. Define SIBEAT_FRONT_END_HZ as the one that your
 * front end has, and the tables of the others take no flash. 360 Hz needs none, and is always there.
 */
extern const sibeat_rate sibeat_rates[];

extern const float sibeat_bank_taps[SIBEAT_BANK_HALF];
extern const float sibeat_window_taps[SIBEAT_WINDOW_HALF];
extern const float sibeat_detector_taps[SIBEAT_DETECTOR_HALF];

#ifdef __cplusplus
}
#endif

#endif
