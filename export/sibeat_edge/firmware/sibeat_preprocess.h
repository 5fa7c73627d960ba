/* From a lead's samples to the model's input, as the model was trained behind it. */
#ifndef SIBEAT_PREPROCESS_H
#define SIBEAT_PREPROCESS_H

#include <stdint.h>

#include "sibeat_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Streaming FIR band-pass of one lead, SIBEAT_RATE_HZ samples a second, any unit. One for each lead. */
typedef struct {
    float held[SIBEAT_TAPS]; /* the last samples, a ring */
    float last;              /* the last sample that was a number */
    uint16_t oldest;         /* where in the ring */
    uint16_t to_skip;        /* outputs that stand before the first sample */
    uint8_t started;
} sibeat_band_pass;

void sibeat_band_pass_start(sibeat_band_pass *filter);

/*
 * Filter a sample. Returns 1 and sets *filtered once there is an output: that of the sample SIBEAT_DELAY
 * pushes before, so that the first output is in step with the first sample. Returns 0 before.
 * The signal is taken to have been constant before its first sample. NaN and infinity are missing samples:
 * the last value is held over them, or zero before the first. To get the last outputs of a signal that ends,
 * push its last sample SIBEAT_DELAY times more.
 */
int sibeat_band_pass_push(sibeat_band_pass *filter, float sample, float *filtered);

#if SIBEAT_RHYTHM_FEATURES
/*
 * Make the first part of the model's input of a beat's window: SIBEAT_LENGTH filtered samples, the R-peak at
 * SIBEAT_BEFORE, of SIBEAT_LEADS leads each (sample by sample, its leads beside each other), and of the wearer's
 * own beat, of the same size. Both are scaled so that the wearer's own goes from -1 to 1, then quantised, round
 * half to even.
 */
void sibeat_quantise_beside(const float *window, const float *own, int8_t *input);

/* Make the second part, of the SIBEAT_RHYTHM_FEATURES features of the RR intervals around the beat. */
void sibeat_quantise_rhythm(const float *features, int8_t *input);
#else
/*
 * Make the model's input of a beat's window: SIBEAT_LENGTH filtered samples, the R-peak at SIBEAT_BEFORE, of
 * SIBEAT_LEADS leads each (sample by sample, its leads beside each other). Every lead is scaled to [-1, 1] by
 * its own extremes within the window (a flat one becomes zero), then quantised, round half to even.
 */
void sibeat_quantise_window(const float *window, int8_t *input);
#endif

#ifdef __cplusplus
}
#endif

#endif
