/* SPDX-License-Identifier: MIT */
/* From a beat's window to the model's input, with the scaling that the model was trained with. */
#ifndef SIBEAT_PREPROCESS_H
#define SIBEAT_PREPROCESS_H

#include <stdint.h>

#include "sibeat_config.h"
#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#if SIBEAT_RHYTHM_FEATURES
/*
 * Make the first part of the model's input from a beat's window and the wearer's own beat.
 *
 * Both are SIBEAT_LENGTH filtered samples of SIBEAT_LEADS leads, the R-peak at SIBEAT_BEFORE. The leads of a sample
 * lie beside each other. Each lead is scaled so that the wearer's own beat goes from -1 to 1, then quantised, round
 * half to even. Returns 1, or 0 and leaves the input alone where one of them is NULL: in the warm-up there is no own
 * beat, and so no score. The input may begin where the window does, which is lost then.
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
