/* SPDX-License-Identifier: MIT */
/* The model as plain C, with the arithmetic of TensorFlow Lite Micro's reference kernels, bit for bit. */
#ifndef SIBEAT_NET_H
#define SIBEAT_NET_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_NET_BYTES 18512 /* of weights and tables, in flash */
#define SIBEAT_NET_CRC32 0x4C39B00Bu /* of them, on a little-endian core */
#define SIBEAT_NET_SCRATCH_BYTES 1176
#define SIBEAT_NET_OUTPUTS 1
#define SIBEAT_NET_MULTIPLY_ADDS 143672

extern const struct sibeat_net_tables sibeat_net_tables;

/*
 * Score a beat: SIBEAT_NET_OUTPUTS int8 numbers, of its window and of its rhythm, both as
 * sibeat_preprocess.h makes them. A model of beats that stand alone does not read `rhythm`. `scratch` is
 * SIBEAT_NET_SCRATCH_BYTES, of any alignment, which hold nothing between calls. Returns 1; or 0, and writes
 * nothing, where an argument is missing.
 */
int sibeat_net_run(const int8_t *window, const int8_t *rhythm, int8_t *score, int8_t *scratch);

#ifdef __cplusplus
}
#endif

#endif
