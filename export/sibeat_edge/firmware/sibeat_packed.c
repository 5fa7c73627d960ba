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
#define FINEST 32000.0f  /* levels of a lead's largest sample, at first */
#define COARSER 1.0905f  /* the eighth root of 2 */
#define LEAST 1e-30f     /* mV: a lead with no larger sample is flat */
#define FADES 2          /* a part of what is usual of differences that each new one replaces */
#define PLAIN 3          /* of what is usual, the part up to which all bits of a difference are written as they are */
#define MOST_ONES 16     /* in a code; behind them a level is written as it is, */
#define WHOLE 18         /* in so many bits */

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

/* The place of the level of a number. */
static int place_of(int number)
{
    const int behind = number - HEAD - (TAIL - HEAD) / STEP;

    if (number <= HEAD)
        return number;
    return behind < 0 ? HEAD + (number - HEAD) * STEP : TAIL + behind;
}

/* Bits that are written one behind the other, or only counted where there is no room; or that are read. */
typedef struct {
    uint8_t *bytes;
    const uint8_t *read;
    int at;
    uint32_t usual; /* the sum of the sizes of the last differences, each of which counts less with every one behind */
} coder;

static void put(coder *code, uint32_t value, int bits)
{
    if (!code->bytes)
        code->at += bits;
    else
        for (; bits-- > 0; code->at++)
            code->bytes[code->at / 8] |= (uint8_t)((value >> bits & 1u) << (code->at % 8));
}

static uint32_t take(coder *code, int bits)
{
    uint32_t value = 0;

    for (; bits-- > 0; code->at++)
        value = value << 1 | ((uint32_t)code->read[code->at / 8] >> (code->at % 8) & 1u);
    return value;
}

/* How many of the lowest bits of the next difference are written as they are: those that usual ones need. */
static int plain_of(const coder *code)
{
    int plain = 0;

    while ((uint32_t)PLAIN << plain < code->usual)
        plain++;
    return plain;
}

static void follow(coder *code, uint32_t size)
{
    code->usual += size - code->usual / FADES;
}

static void begin(coder *code, uint8_t *bytes, const uint8_t *read)
{
    code->bytes = bytes;
    code->read = read;
    code->at = 0;
    code->usual = 0;
}

/* Differences of both signs count up from 0 by turns. */
static void put_difference(coder *code, int32_t difference)
{
    const uint32_t size = difference < 0 ? 2u * (uint32_t)-difference - 1u : 2u * (uint32_t)difference;
    const int plain = plain_of(code);
    uint32_t ones = size >> plain;

    if (ones < MOST_ONES) {
        put(code, (1u << ones) - 1u, (int)ones);
        put(code, 0, 1);
        put(code, size, plain);
    } else {
        put(code, (1u << MOST_ONES) - 1u, MOST_ONES);
        put(code, size, WHOLE);
    }
    follow(code, size);
}

static int32_t take_difference(coder *code)
{
    const int plain = plain_of(code);
    uint32_t size = 0;

    while (size < MOST_ONES && take(code, 1))
        size++;
    size = size < MOST_ONES ? size << plain | take(code, plain) : take(code, WHOLE);
    follow(code, size);
    return size % 2 ? -(int32_t)(size / 2) - 1 : (int32_t)(size / 2);
}

/* What the next level would be if a lead went on as between the last two, or nearly so. */
static int32_t next_of(int32_t before, int32_t last)
{
    return last + (last - before) * 3 / 4;
}

/* Write a lead in levels of a size, or only count the bits that it takes; returns how many. */
static int write(const float *window, float unit, uint8_t *bytes)
{
    int32_t before = 0, last = 0;
    coder code;

    begin(&code, bytes, 0);
    for (int number = 0; number < SIBEAT_PACKED_LEVELS; number++) {
        const int32_t level = (int32_t)rintf(window[place_of(number) * SIBEAT_LEADS] / unit);
        put_difference(&code, level - next_of(before, last));
        before = last;
        last = level;
    }
    return code.at;
}

static void pack_lead(const float *window, sibeat_packed_lead *lead)
{
    float most = 0.0f;

    for (int k = 0; k < SIBEAT_PACKED_LEVELS; k++) {
        const float size = fabsf(window[place_of(k) * SIBEAT_LEADS]);
        most = size > most ? size : most;
    }
    memset(lead, 0, sizeof *lead);
    if (!(most > LEAST))
        return;
    lead->unit = most / FINEST;
    while (write(window, lead->unit, 0) > 8 * SIBEAT_PACKED_BYTES)
        lead->unit *= COARSER;
    write(window, lead->unit, lead->bits);
}

void sibeat_pack(const float *window, sibeat_packed *packed)
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        pack_lead(window + lead, &packed->leads[lead]);
}

void sibeat_packed_levels(const sibeat_packed_lead *lead, float *levels)
{
    int32_t before = 0, last = 0;
    coder code;

    begin(&code, 0, lead->bits);
    for (int number = 0; number < SIBEAT_PACKED_LEVELS; number++) {
        const int32_t level = next_of(before, last) + take_difference(&code);
        before = last;
        last = level;
        levels[number] = lead->unit * (float)level;
    }
}

float sibeat_packed_at(const float *levels, int place)
{
    int16_t numbers[PARTS];
    float parts[PARTS], sum = 0.0f;
    const int count = parts_of(place, numbers, parts);

    for (int k = 0; k < count; k++)
        sum += parts[k] * levels[numbers[k]];
    return sum;
}

void sibeat_unpack(const sibeat_packed *packed, float *window, float *levels)
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        sibeat_packed_levels(&packed->leads[lead], levels);
        for (int place = 0; place < SIBEAT_LENGTH; place++)
            window[place * SIBEAT_LEADS + lead] = sibeat_packed_at(levels, place);
    }
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
