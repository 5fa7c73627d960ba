/* SPDX-License-Identifier: MIT */
#include "sibeat_newest.h"

#include <math.h>
#include <string.h>

void sibeat_newest_push(sibeat_newest *newest, int most, float seconds)
{
    sibeat_interval *values = newest->values;

    if (newest->count == most)
        memmove(values, values + 1, (size_t)--newest->count * sizeof *values);
    values[newest->count++] = sibeat_ticks_of(seconds);
}

int sibeat_newest_read(const sibeat_newest *newest, int first, float *seconds)
{
    for (int k = first; k < newest->count; k++)
        seconds[k - first] = sibeat_seconds_of(newest->values[k]);
    return newest->count - first;
}

float sibeat_newest_median(const sibeat_newest *newest)
{
    float seconds[SIBEAT_NEWEST];

    return sibeat_median(seconds, sibeat_newest_read(newest, 0, seconds));
}

void sibeat_sort(const float *values, int count, float *sorted)
{
    for (int k = 0; k < count; k++) {
        const float value = values[k];
        int place = k;
        for (; place > 0 && sorted[place - 1] > value; place--)
            sorted[place] = sorted[place - 1];
        sorted[place] = value;
    }
}

float sibeat_quantile(const float *sorted, int count, float share)
{
    const float place = share * (float)(count - 1);
    const int below = (int)place;
    const int above = below + 1 < count ? below + 1 : below;

    return sorted[below] + (place - (float)below) * (sorted[above] - sorted[below]);
}

float sibeat_median(float *values, int count)
{
    if (count < 1)
        return NAN;
    sibeat_sort(values, count, values);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2.0f;
}
