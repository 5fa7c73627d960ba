/* SPDX-License-Identifier: MIT */
/* RR intervals as whole samples at 360 Hz, in two bytes: R-peaks lie on samples. */
#ifndef SIBEAT_TICKS_H
#define SIBEAT_TICKS_H

#include <math.h>
#include <stdint.h>

#include "sibeat_floats.h"

#define SIBEAT_TICKS 360             /* a second */
#define SIBEAT_MOST_TICKS UINT16_MAX /* for 182 s, and for what is longer */

/* Of seconds; of a negative number, or of what is none, one that is not known. */
static inline uint16_t sibeat_ticks_of(float seconds)
{
    const float ticks = seconds * (float)SIBEAT_TICKS + 1.5f; /* 0 is one that is not known */

    if (!(seconds >= 0.0f))
        return 0;
    return ticks < (float)SIBEAT_MOST_TICKS ? (uint16_t)ticks : SIBEAT_MOST_TICKS;
}

/* Back again; NAN where it is not known. */
static inline float sibeat_seconds_of(uint16_t ticks)
{
    return ticks ? (float)(ticks - 1) / (float)SIBEAT_TICKS : NAN;
}

#endif
