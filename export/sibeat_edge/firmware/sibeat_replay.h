/* SPDX-License-Identifier: MIT */
/*
 * Replays a recording over a serial line, or any other stream of bytes: samples in, lines of text out. Not for a
 * product, but to see that a board tells what a computer tells.
 *
 * A block is a byte n, and n samples of SIBEAT_LEADS leads as little-endian int16. The answer is a line for each beat,
 * revision and alarm, and then the line "ok". A block of no samples ends the recording; it is answered by "end".
 */
#ifndef SIBEAT_REPLAY_H
#define SIBEAT_REPLAY_H

#include "sibeat.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_REPLAY_COLUMNS "what\ttime\tkind\tscore\talarm\twhy\n"

typedef struct {
    sibeat_context *context;
    void (*put)(const char *text); /* writes text to the line */
    uint32_t wanted, seen;         /* bytes of the block */
    uint8_t bytes[2 * SIBEAT_LEADS]; /* of the sample that is being received */
} sibeat_replay;

/* Begin a recording of a front end's rate and gain, as in sibeat_config; the context is initialised, the columns put. */
sibeat_error sibeat_replay_begin(sibeat_replay *replay, sibeat_context *context, uint32_t rate, float gain,
                                 void (*put)(const char *text));

/* Take a byte of the line. */
void sibeat_replay_byte(sibeat_replay *replay, uint8_t byte);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
