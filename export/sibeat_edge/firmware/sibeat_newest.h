/* SPDX-License-Identifier: MIT */
/* The newest values of something, and their order. */
#ifndef SIBEAT_NEWEST_H
#define SIBEAT_NEWEST_H

#include <stdint.h>

#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_NEWEST 24 /* values that are kept at most */

/* The newest values, the oldest first. Zeroed, it is empty. */
typedef struct {
    float values[SIBEAT_NEWEST];
    uint8_t count;
} sibeat_newest;

/* Add a value; at most so many are kept, 1 to SIBEAT_NEWEST. */
void sibeat_newest_push(sibeat_newest *newest, int most, float value);

/* Copy values in ascending order, or sort them where they are. None of them is NAN. */
void sibeat_sort(const float *values, int count, float *sorted);

/* Of sorted values, interpolated; 1 or more. share: 0 to 1. */
float sibeat_quantile(const float *sorted, int count, float share);

/* The median of so many values, at most SIBEAT_NEWEST; NAN of none. */
float sibeat_median(const float *values, int count);

#ifdef __cplusplus
}
#endif

#endif
