/* SPDX-License-Identifier: MIT */
/* A layer of an int8 model, with the arithmetic of TensorFlow Lite Micro's reference kernels, bit for bit. */
#ifndef SIBEAT_LAYER_H
#define SIBEAT_LAYER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A convolution over time, or a dense layer, which is one of a single tick. */
typedef struct {
    const int8_t *weights;      /* filter by filter, tap by tap, channel by channel */
    const int32_t *biases;      /* of each filter, less what the input's zero point adds */
    const int32_t *multipliers; /* of each filter: its sums are scaled by multiplier / 2^31 * 2^shift */
    const int8_t *shifts;
    uint16_t length, channels;    /* of the input */
    uint16_t positions, filters;  /* of the output */
    uint16_t taps, stride, padding; /* ticks; the padding is that before the first tick */
    int8_t zero_in, zero_out;     /* zero points */
    int8_t lowest, highest;       /* of the output */
} sibeat_layer;

/*
 * Compute `out` of `in`, both tick by tick, the channels of a tick side by side. All of a tick's output is written
 * behind the last read of what lies below the next tick's first tap, so `out` may begin before `in` and run into it.
 */
void sibeat_layer_run(const sibeat_layer *layer, const int8_t *in, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif
