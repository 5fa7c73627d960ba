/* SPDX-License-Identifier: MIT */
/*
 * Does this device tell of a signal what sibeat_edge tells, stage by stage? The signal is made here, of a few tables of
 * sibeat_golden_path, which take some 2 KB of flash where this is called.
 */
#ifndef SIBEAT_PATHTEST_H
#define SIBEAT_PATHTEST_H

#include "sibeat.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    SIBEAT_PATH_HEALTHY = 0,
    SIBEAT_PATH_FILTER,   /* a filtered sample is off by more than 0.5 uV */
    SIBEAT_PATH_PEAKS,    /* a beat stands at another sample, is missing, or too many */
    SIBEAT_PATH_SCORES,   /* a score is off by more than a level, or is there where none should be */
    SIBEAT_PATH_TEMPLATE, /* the same of the template's score at a beat's time */
    SIBEAT_PATH_KINDS     /* a beat is of another kind */
} sibeat_path_health;

/*
 * Play the signal, a minute and a half of 360 Hz, through a context, which is initialised anew: nothing of it is kept.
 * score: as in sibeat_config. The first stage that differs is returned.
 */
sibeat_path_health sibeat_pathtest(sibeat_context *context, int8_t (*score)(void *context, const int8_t *input));

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
