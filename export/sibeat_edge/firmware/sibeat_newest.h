/* SPDX-License-Identifier: MIT */
/* The newest RR intervals, and the order of values. */
#ifndef SIBEAT_NEWEST_H
#define SIBEAT_NEWEST_H

#include <stdint.h>

#include "sibeat_floats.h"
#include "sibeat_ticks.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_NEWEST 24 /* values that are kept at most */

typedef uint16_t sibeat_interval; /* as of sibeat_ticks_of */

/* The newest intervals, the oldest first. Zeroed, it is empty. */
typedef struct {
    sibeat_interval values[SIBEAT_NEWEST];
    uint8_t count;
} sibeat_newest;

/* Add an interval, s; at most so many are kept, 1 to SIBEAT_NEWEST. */
void sibeat_newest_push(sibeat_newest *newest, int most, float seconds);

/* Those from number `first` on, s; returns how many they are. */
int sibeat_newest_read(const sibeat_newest *newest, int first, float *seconds);

/* Their median, s; NAN of none. */
float sibeat_newest_median(const sibeat_newest *newest);

/* Copy values in ascending order, or sort them where they are. None of them is NAN. */
void sibeat_sort(const float *values, int count, float *sorted);

/* Of sorted values, interpolated; 1 or more. share: 0 to 1. */
float sibeat_quantile(const float *sorted, int count, float share);

/* The median of values, which are sorted; NAN of none. */
float sibeat_median(float *values, int count);

#ifdef __cplusplus
}
#endif

#endif
