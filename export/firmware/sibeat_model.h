/* SPDX-License-Identifier: MIT */
/* The model, a .tflite file. It is there where SIBEAT_TFLM is defined, and else takes no flash. */
#ifndef SIBEAT_MODEL_H
#define SIBEAT_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_MODEL_BYTES 28896

extern const unsigned char sibeat_model[SIBEAT_MODEL_BYTES];

#ifdef __cplusplus
}
#endif

#endif
