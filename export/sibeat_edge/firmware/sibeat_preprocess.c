/* SPDX-License-Identifier: MIT */
#include "sibeat_preprocess.h"

#include <math.h>

static int8_t quantise(float value, float scale, int zero_point)
{
    const float level = rintf(value / scale) + (float)zero_point;

    if (level >= 127.0f)
        return 127;
    return level > -128.0f ? (int8_t)level : -128;
}

static void extremes(const float *window, int lead, float *low, float *high)
{
    *low = *high = window[lead];
    for (int k = lead; k < SIBEAT_LENGTH * SIBEAT_LEADS; k += SIBEAT_LEADS) {
        if (window[k] < *low)
            *low = window[k];
        if (window[k] > *high)
            *high = window[k];
    }
}

#if SIBEAT_RHYTHM_FEATURES
static float clipped(float value)
{
    if (value > SIBEAT_HIGHEST)
        return SIBEAT_HIGHEST;
    return value < -SIBEAT_HIGHEST ? -SIBEAT_HIGHEST : value;
}

int sibeat_quantise_beside(const float *window, const float *own, int8_t *input)
{
    if (!window || !own)
        return 0;
    float low[SIBEAT_LEADS], span[SIBEAT_LEADS];
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        float high;
        extremes(own, lead, &low[lead], &high);
        span[lead] = high > low[lead] ? high - low[lead] : 1.0f;
    }
    for (int k = 0; k < SIBEAT_LENGTH; k++) /* sample by sample, as the input may take the place of the window */
        for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
            const int from = k * SIBEAT_LEADS + lead, to = k * SIBEAT_CHANNELS + lead;
            const float beat = 2.0f * (window[from] - low[lead]) / span[lead] - 1.0f;
            const float usual = 2.0f * (own[from] - low[lead]) / span[lead] - 1.0f;
            input[to] = quantise(clipped(beat), SIBEAT_INPUT_SCALE, SIBEAT_INPUT_ZERO_POINT);
            input[to + SIBEAT_LEADS] = quantise(usual, SIBEAT_INPUT_SCALE, SIBEAT_INPUT_ZERO_POINT);
        }
    return 1;
}

void sibeat_quantise_rhythm(const float *features, int8_t *input)
{
    for (int k = 0; k < SIBEAT_RHYTHM_FEATURES; k++)
        input[SIBEAT_WINDOW_BYTES + k] = quantise(features[k], SIBEAT_RHYTHM_SCALE, SIBEAT_RHYTHM_ZERO_POINT);
}
#else
void sibeat_quantise_window(const float *window, int8_t *input)
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        float low, high;
        extremes(window, lead, &low, &high);
        const float span = high - low;
        for (int k = lead; k < SIBEAT_LENGTH * SIBEAT_LEADS; k += SIBEAT_LEADS)
            input[k] = quantise(span > 0.0f ? 2.0f * (window[k] - low) / span - 1.0f : 0.0f,
                                SIBEAT_INPUT_SCALE, SIBEAT_INPUT_ZERO_POINT);
    }
}
#endif
