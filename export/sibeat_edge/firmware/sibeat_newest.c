/* SPDX-License-Identifier: MIT */
#include "sibeat_newest.h"

#include <math.h>
#include <string.h>

void sibeat_newest_push(sibeat_newest *newest, int most, float value)
{
    if (newest->count == most)
        memmove(newest->values, newest->values + 1, (size_t)--newest->count * sizeof value);
    newest->values[newest->count++] = value;
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

float sibeat_median(const float *values, int count)
{
    float sorted[SIBEAT_NEWEST];

    if (count < 1)
        return NAN;
    sibeat_sort(values, count, sorted);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0f;
}
