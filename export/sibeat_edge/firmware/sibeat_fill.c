/* SPDX-License-Identifier: MIT */
#include "sibeat_fill.h"

#include <math.h>
#include <string.h>

void sibeat_fill_start(sibeat_fill *fill, int longest)
{
    memset(fill, 0, sizeof *fill);
    memset(fill->is_long, 1, sizeof fill->is_long); /* before the first sample no gap is short */
    fill->longest = (uint8_t)longest;
}

/* Where in the ring a sample is, so many before the one that is put next. */
static float *before(sibeat_fill *fill, int count, int lead)
{
    const int place = fill->next - count;

    return &fill->held[place < 0 ? place + SIBEAT_FILL_HELD : place][lead];
}

/* Close the gap that is open: a line to the value behind it, or from the last one. */
static void end_gap(sibeat_fill *fill, int lead, float step)
{
    for (int k = fill->open[lead], passed = 1; k > 0; k--, passed++)
        *before(fill, k, lead) = fill->last[lead] + step * (float)passed;
    fill->open[lead] = 0;
}

static void push(sibeat_fill *fill, int lead, float sample)
{
    float *place = &fill->held[fill->next][lead];

    if (isfinite(sample)) {
        end_gap(fill, lead, (sample - fill->last[lead]) / (float)(fill->open[lead] + 1));
        fill->last[lead] = *place = sample;
        fill->is_long[lead] = 0;
        return;
    }
    if (!fill->is_long[lead] && fill->open[lead] == fill->longest) {
        end_gap(fill, lead, 0.0f);
        fill->is_long[lead] = 1;
    }
    *place = fill->last[lead];
    if (!fill->is_long[lead])
        fill->open[lead]++;
}

void sibeat_fill_push(sibeat_fill *fill, const float sample[SIBEAT_LEADS])
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        push(fill, lead, sample[lead]);
    fill->next = (uint8_t)(fill->next + 1 < SIBEAT_FILL_HELD ? fill->next + 1 : 0);
    fill->waiting++;
}

void sibeat_fill_finish(sibeat_fill *fill)
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        end_gap(fill, lead, 0.0f);
}

int sibeat_fill_take(sibeat_fill *fill, float filled[SIBEAT_LEADS])
{
    int open = 0;

    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        open = fill->open[lead] > open ? fill->open[lead] : open;
    if (fill->waiting <= open)
        return 0;
    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        filled[lead] = *before(fill, fill->waiting, lead);
    fill->waiting--;
    return 1;
}
