/* SPDX-License-Identifier: MIT */
#include "sibeat_resample.h"

#include <stddef.h>
#include <string.h>

const sibeat_rate *sibeat_rate_of(uint32_t hz)
{
    for (const sibeat_rate *rate = sibeat_rates; rate->hz; rate++)
        if (rate->hz == hz)
            return rate;
    return NULL;
}

void sibeat_resampler_start(sibeat_resampler *resampler, const sibeat_rate *rate)
{
    memset(resampler, 0, sizeof *resampler);
    resampler->rate = rate;
}

void sibeat_resampler_push(sibeat_resampler *resampler, float sample)
{
    resampler->held[resampler->next] = sample;
    resampler->next = (uint8_t)(resampler->next + 1 < SIBEAT_RESAMPLE_HELD ? resampler->next + 1 : 0);
    resampler->ahead++;
}

/* The output is at a place between two samples: of the later ones so many, and of those before, it takes some. */
static float filtered(const sibeat_resampler *resampler, int later)
{
    const int up = resampler->rate->up, half = resampler->rate->half;
    int at = resampler->next - (resampler->ahead - later), place = resampler->phase - later * up;
    float sum = 0.0f;

    at += at < 0 ? SIBEAT_RESAMPLE_HELD : 0;
    for (; place <= half; place += up) {
        sum += resampler->rate->taps[place < 0 ? -place : place] * resampler->held[at];
        at = at ? at - 1 : SIBEAT_RESAMPLE_HELD - 1;
    }
    return sum;
}

int sibeat_resampler_take(sibeat_resampler *resampler, float *even)
{
    const sibeat_rate *rate = resampler->rate;
    const int later = (rate->half + resampler->phase) / rate->up; /* samples behind its own that it needs */

    if (resampler->ahead <= later)
        return 0;
    if (rate->taps)
        *even = filtered(resampler, later);
    else
        *even = resampler->held[resampler->next ? resampler->next - 1 : SIBEAT_RESAMPLE_HELD - 1];
    resampler->phase = (uint16_t)(resampler->phase + rate->down);
    while (resampler->phase >= rate->up) {
        resampler->phase = (uint16_t)(resampler->phase - rate->up);
        resampler->ahead--;
    }
    return 1;
}
