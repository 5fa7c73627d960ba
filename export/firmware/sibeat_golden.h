/* SPDX-License-Identifier: MIT */
/* Simulated beats, and the scores that the model gives them. */
#ifndef SIBEAT_GOLDEN_H
#define SIBEAT_GOLDEN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_GOLDEN_BEATS 16
#define SIBEAT_GOLDEN_INPUT_BYTES 648
#define SIBEAT_GOLDEN_TOLERANCE 1 /* int8 units; kernels round differently */
#define SIBEAT_MODEL_CRC32 0x4A0CA376u
#define SIBEAT_GOLDEN_INPUTS_CRC32 0x907E44D1u
#define SIBEAT_GOLDEN_SCORES_CRC32 0x44540A2Eu

extern const int8_t sibeat_golden_inputs[SIBEAT_GOLDEN_BEATS][SIBEAT_GOLDEN_INPUT_BYTES];
extern const int8_t sibeat_golden_scores[SIBEAT_GOLDEN_BEATS];

#ifdef __cplusplus
}
#endif

#endif
