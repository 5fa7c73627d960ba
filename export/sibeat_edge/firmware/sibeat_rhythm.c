/* SPDX-License-Identifier: MIT */
#include "sibeat_rhythm.h"

#include <math.h>
#include <string.h>

#include "sibeat_newest.h"

#if SIBEAT_RHYTHM_FEATURES

static float logarithm(float seconds)
{
    if (seconds < SIBEAT_SHORTEST_RR)
        seconds = SIBEAT_SHORTEST_RR;
    return logf(seconds > SIBEAT_LONGEST_RR ? SIBEAT_LONGEST_RR : seconds);
}

void sibeat_rhythm_features(const float *history, int count, const float recent[3], float after, float *features)
{
    float known[SIBEAT_HISTORY];
    int size = 0;

    for (int k = 0; k < count && k < SIBEAT_HISTORY; k++)
        if (!isnan(history[k]))
            known[size++] = logarithm(history[k]);
    memset(features, 0, SIBEAT_RHYTHM_FEATURES * sizeof *features);
    if (size < SIBEAT_FEWEST_RR)
        return;
    sibeat_sort(known, size, known);
    const float median = sibeat_quantile(known, size, 0.5f);
    const float low = sibeat_quantile(known, size, 0.1f), high = sibeat_quantile(known, size, 0.9f);
    const float before = logarithm(recent[2]), next = logarithm(after);
    for (int k = 0; k < size; k++)
        known[k] = fabsf(known[k] - median);
    sibeat_sort(known, size, known);
    features[0] = before - median;
    features[1] = next - median;
    features[2] = next - before;
    features[3] = before - high;
    features[4] = logarithm(recent[1]) - median;
    features[5] = logarithm(recent[0]) - median;
    features[6] = sibeat_quantile(known, size, 0.5f);
    features[7] = high - low;
    for (int k = 0; k < SIBEAT_RHYTHM_FEATURES; k++)
        if (isnan(features[k]))
            features[k] = 0.0f;
}

#endif
