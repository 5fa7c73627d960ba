/* SPDX-License-Identifier: MIT */
/*
 * What `make demo` builds: a program that scores a file of raw 16-bit samples by this folder's C alone, and prints the
 * beats. It has a main only where SIBEAT_DEMO is defined.
 *
 *     build/host_demo 100.i16 360 0.005
 *
 * The file holds the samples of SIBEAT_LEADS leads, beside each other, little-endian; then come the rate in Hz, and the
 * millivolts of a unit.
 */
#include "sibeat_config.h"

#ifdef SIBEAT_DEMO
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sibeat_replay.h"

#define BLOCK 255 /* samples */

/* A block's answer ends by "ok", which only a serial line needs. */
static void put(const char *text)
{
    if (strcmp(text, "ok\n") != 0 && strcmp(text, "end\n") != 0)
        fputs(text, stdout);
}

int main(int count, char **arguments)
{
    static sibeat_context context;
    static sibeat_replay replay;
    uint8_t bytes[BLOCK * 2 * SIBEAT_LEADS];
    FILE *file = count == 4 ? fopen(arguments[1], "rb") : 0;

    if (!file) {
        fprintf(stderr, "host_demo: expected FILE RATE MILLIVOLTS, a file of raw 16-bit samples\n");
        return 2;
    }
    const uint32_t rate = (uint32_t)strtoul(arguments[2], 0, 10);
    const sibeat_error error = sibeat_replay_begin(&replay, &context, rate, strtof(arguments[3], 0), put);
    if (error != SIBEAT_OK) {
        fprintf(stderr, "host_demo: found the rate %s and the gain %s; error %d\n", arguments[2], arguments[3], error);
        fclose(file);
        return 2;
    }
    for (size_t read; (read = fread(bytes, 2 * SIBEAT_LEADS, BLOCK, file)) > 0;) {
        sibeat_replay_byte(&replay, (uint8_t)read);
        for (size_t k = 0; k < read * 2 * SIBEAT_LEADS; k++)
            sibeat_replay_byte(&replay, bytes[k]);
    }
    fclose(file);
    sibeat_replay_byte(&replay, 0);
    return 0;
}
#endif
