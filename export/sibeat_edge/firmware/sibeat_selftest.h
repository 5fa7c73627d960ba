/* SPDX-License-Identifier: MIT */
/* Does this device hold the model that was exported, and compute what it computes? */
#ifndef SIBEAT_SELFTEST_H
#define SIBEAT_SELFTEST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    SIBEAT_HEALTHY = 0,
    SIBEAT_MODEL_CORRUPT,         /* the CRC of the model is wrong: of sibeat_net.c, or with SIBEAT_TFLM of sibeat_model.c */
    SIBEAT_GOLDEN_INPUTS_CORRUPT, /* ... of the golden beats' */
    SIBEAT_GOLDEN_SCORES_CORRUPT, /* ... of their scores' */
    SIBEAT_SCORES_DIFFER          /* a golden beat's score is off by more than SIBEAT_GOLDEN_TOLERANCE */
} sibeat_health;

/* The checksums alone, without the model being run. */
sibeat_health sibeat_check_data(void);

/* The checksums, then every golden beat: score runs the model on SIBEAT_INPUT_BYTES of input. */
sibeat_health sibeat_selftest(int8_t (*score)(const int8_t *input));

#ifdef __cplusplus
}
#endif

#endif
