/* SPDX-License-Identifier: MIT */
/* A signal that the chip makes itself, and what sibeat_edge tells of it. */
#ifndef SIBEAT_GOLDEN_PATH_H
#define SIBEAT_GOLDEN_PATH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_GOLDEN_UNIT 4.99999989e-03f /* mV */
#define SIBEAT_GOLDEN_SAMPLES 24298 /* at 360 Hz */
#define SIBEAT_GOLDEN_SHAPE 220
#define SIBEAT_GOLDEN_SHAPE_PEAK 80
#define SIBEAT_GOLDEN_PLANNED 80
#define SIBEAT_GOLDEN_HISS 3
#define SIBEAT_GOLDEN_TOLD 80
#define SIBEAT_GOLDEN_FILTERED 24
#define SIBEAT_GOLDEN_FILTERED_FIRST 1000
#define SIBEAT_GOLDEN_FILTERED_STEP 100

/* A beat: when, of which kind ('-' for none), and the int8 scores of itself and of the template. */
typedef struct {
    uint16_t after; /* ticks behind the one before, or the signal's start */
    char kind;
    int8_t level, timing;
} sibeat_golden_beat;

extern const int16_t sibeat_golden_shapes[2][SIBEAT_GOLDEN_SHAPE];
extern const uint16_t sibeat_golden_intervals[SIBEAT_GOLDEN_PLANNED];
extern const uint8_t sibeat_golden_odd[SIBEAT_GOLDEN_PLANNED];
extern const float sibeat_golden_filtered[SIBEAT_GOLDEN_FILTERED]; /* mV, of the first lead */
extern const sibeat_golden_beat sibeat_golden_told[SIBEAT_GOLDEN_TOLD];

#ifdef __cplusplus
}
#endif

#endif
