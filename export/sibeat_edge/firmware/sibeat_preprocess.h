/* SPDX-License-Identifier: MIT */
/* From a lead's samples to the model's input, with the filter and scaling that the model was trained with. */
#ifndef SIBEAT_PREPROCESS_H
#define SIBEAT_PREPROCESS_H

#include <stdint.h>

#include "sibeat_config.h"
#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Streaming FIR band-pass of a lead, SIBEAT_RATE_HZ samples a second, any unit. One for each lead; zeroed, it starts. */
typedef struct {
    float held[SIBEAT_TAPS]; /* the last samples, a ring */
    float last;              /* the last sample that was a number */
    uint16_t oldest;         /* where in the ring */
    uint16_t skipped;        /* outputs that stood before the first sample */
    uint8_t started;
} sibeat_band_pass;

void sibeat_band_pass_start(sibeat_band_pass *filter);

/*
 * Filter a sample. Returns 1 and sets *filtered to the output for the sample SIBEAT_DELAY pushes before. The first
 * SIBEAT_DELAY pushes return 0, so that the first output belongs to the first sample.
 * Before its first sample, the signal counts as constant. NaN and infinity are missing samples: they take the last
 * value, or zero before the first one. To get the last outputs of a signal that ends, push its last sample
 * SIBEAT_DELAY times more.
 */
int sibeat_band_pass_push(sibeat_band_pass *filter, float sample, float *filtered);

#if SIBEAT_RHYTHM_FEATURES
/*
 * Make the first part of the model's input from a beat's window and the wearer's own beat.
 *
 * Both are SIBEAT_LENGTH filtered samples of SIBEAT_LEADS leads, the R-peak at SIBEAT_BEFORE. The leads of a sample
 * lie beside each other. Each lead is scaled so that the wearer's own beat goes from -1 to 1, then quantised, round
 * half to even. Returns 1, or 0 and leaves the input alone where one of them is NULL: in the warm-up there is no own
 * beat, and so no score.
 */
int sibeat_quantise_beside(const float *window, const float *own, int8_t *input);

/* Make the second part from the SIBEAT_RHYTHM_FEATURES features of the RR intervals around the beat. */
void sibeat_quantise_rhythm(const float *features, int8_t *input);
#else
/*
 * Make the model's input from a beat's window.
 *
 * The window is SIBEAT_LENGTH filtered samples of SIBEAT_LEADS leads, the R-peak at SIBEAT_BEFORE. The leads of a
 * sample lie beside each other. Each lead is scaled to [-1, 1] by its own extremes within the window (a flat one
 * becomes zero), then quantised, round half to even.
 */
void sibeat_quantise_window(const float *window, int8_t *input);
#endif

#ifdef __cplusplus
}
#endif

#endif
