/* SPDX-License-Identifier: MIT */
#include "sibeat_packed.h"

#if SIBEAT_RHYTHM_FEATURES

#include <math.h>
#include <string.h>

#define STEP SIBEAT_PACKED_STEP
#define STEPS SIBEAT_PACKED_STEPS
#define HEAD (SIBEAT_PACKED_ENDS * STEP)            /* up to this place, */
#define TAIL ((STEPS - SIBEAT_PACKED_ENDS) * STEP)  /* and from this one on, all samples are kept */
#define REACH 6                                     /* steps on either side that make a sample between two steps */
#define PARTS (4 * REACH)                           /* beyond an end a step has two parts */
#define LARGEST 2047.0f                             /* level */
#define MOST_HALVINGS 7

typedef char sibeat_packed_has_a_middle[TAIL > HEAD ? 1 : -1];

/* A sinc in a Kaiser window of shape 5, at the distances of the sample behind a step. Their sum is 1. */
static const float near[2 * REACH] = {-0.00351400f, 0.01366903f,  -0.03563249f, 0.07970011f,  -0.18245861f, 0.82078603f,
                                      0.40095242f,  -0.13585252f, 0.06140169f,  -0.02654726f, 0.00928181f,  -0.00178622f};

static int is_kept(int place)
{
    return place <= HEAD || place >= TAIL || place % STEP == 0;
}

/* The number of the level of a place that is kept. */
static int number_of(int place)
{
    if (place <= HEAD)
        return place;
    if (place < TAIL)
        return HEAD + (place - HEAD) / STEP;
    return HEAD + (TAIL - HEAD) / STEP + place - TAIL;
}

/* Which levels make the sample at a place, and their parts in it; returns how many. */
static int parts_of(int place, int16_t numbers[PARTS], float parts[PARTS])
{
    const int step = place / STEP, is_first = place % STEP == 1;
    int count = 0;

    if (is_kept(place)) {
        numbers[0] = (int16_t)number_of(place);
        parts[0] = 1.0f;
        return 1;
    }
    for (int k = 0; k < 2 * REACH; k++) {
        const float part = near[is_first ? k : 2 * REACH - 1 - k];
        const int from = step + 1 - REACH + k, end = from < 0 ? 0 : STEPS;
        if (from >= 0 && from <= STEPS) {
            numbers[count] = (int16_t)number_of(from * STEP);
            parts[count++] = part;
        } else { /* a lead goes on beyond its end as it was before, turned about it */
            numbers[count] = (int16_t)number_of(end * STEP);
            parts[count++] = 2.0f * part;
            numbers[count] = (int16_t)number_of((2 * end - from) * STEP);
            parts[count++] = -part;
        }
    }
    return count;
}

float sibeat_packed_level(const sibeat_packed_lead *lead, int number)
{
    const int block = number / SIBEAT_PACKED_BLOCK;
    const int lowest = lead->lowest[block] >> 4 * (number % SIBEAT_PACKED_BLOCK) & 15;
    const int halvings = lead->halvings[block / 2] >> 4 * (block % 2) & 15;

    return lead->scale * (float)(16 * lead->levels[number] + lowest) / (float)(1 << halvings);
}

/* Levels of a block, finely enough that the largest of them is more than half of what they can be. */
static void pack_block(sibeat_packed_lead *lead, const float *values, int block, int count)
{
    const int first = block * SIBEAT_PACKED_BLOCK, behind = first + SIBEAT_PACKED_BLOCK;
    const int last = behind < count ? behind : count;
    float most = 0.0f, scale = lead->scale;
    int halvings = 0, lowest = 0;

    for (int k = first; k < last; k++)
        most = fabsf(values[k]) > most ? fabsf(values[k]) : most;
    while (halvings < MOST_HALVINGS && 2.0f * most <= LARGEST * scale) {
        scale /= 2.0f;
        halvings++;
    }
    for (int k = first; k < last; k++) {
        const int level = (int)(scale > 0.0f ? rintf(values[k] / scale) : 0.0f) + 2048; /* no less than 0 */
        lead->levels[k] = (int8_t)(level / 16 - 128);
        lowest |= level % 16 << 4 * (k - first);
    }
    lead->lowest[block] = (uint16_t)lowest;
    lead->halvings[block / 2] = (uint8_t)(lead->halvings[block / 2] | halvings << 4 * (block % 2));
}

static void pack_lead(const float *window, sibeat_packed_lead *lead)
{
    float values[SIBEAT_PACKED_LEVELS], most = 0.0f;
    int count = 0;

    lead->base = 0.0f;
    for (int place = 0; place < SIBEAT_LENGTH; place++)
        if (is_kept(place)) {
            values[count] = window[place * SIBEAT_LEADS];
            lead->base += values[count++] / SIBEAT_PACKED_LEVELS;
        }
    for (int k = 0; k < count; k++) {
        values[k] -= lead->base;
        most = fabsf(values[k]) > most ? fabsf(values[k]) : most;
    }
    lead->scale = most / LARGEST;
    memset(lead->halvings, 0, sizeof lead->halvings);
    for (int block = 0; block < SIBEAT_PACKED_BLOCKS; block++)
        pack_block(lead, values, block, count);
}

void sibeat_pack(const float *window, sibeat_packed *packed)
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        pack_lead(window + lead, &packed->leads[lead]);
}

float sibeat_packed_at(const sibeat_packed *packed, int lead, int place)
{
    const sibeat_packed_lead *found = &packed->leads[lead];
    int16_t numbers[PARTS];
    float parts[PARTS], sum = 0.0f;
    const int count = parts_of(place, numbers, parts);

    for (int k = 0; k < count; k++)
        sum += parts[k] * sibeat_packed_level(found, numbers[k]);
    return found->base + sum;
}

void sibeat_unpack(const sibeat_packed *packed, float *window)
{
    for (int place = 0; place < SIBEAT_LENGTH; place++)
        for (int lead = 0; lead < SIBEAT_LEADS; lead++)
            window[place * SIBEAT_LEADS + lead] = sibeat_packed_at(packed, lead, place);
}

void sibeat_packed_spread(float value, int place, float *spread)
{
    int16_t numbers[PARTS];
    float parts[PARTS];
    const int count = parts_of(place, numbers, parts);

    for (int k = 0; k < count; k++)
        spread[numbers[k]] += value * parts[k];
}

#endif
