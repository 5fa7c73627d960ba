/* SPDX-License-Identifier: MIT */
#include "sibeat_align.h"

#include <math.h>
#include <string.h>

/* As in sibeat_edge.beats.alignment, where each is explained. */
#define CORE_BEFORE 70
#define CORE_AFTER 110
#define REACH 30
#define KINDS 4
#define NEAR 0.7f
#define SAME 0.8f
#define TIE 0.1f
#define MEMORY 8.0f
#define STEP 0.03125f
#define LASTING 256.0f
#define LEAST (-20.0f)
#define MOST 40.0f

#define SIZE (SIBEAT_ALIGN_BEFORE + SIBEAT_ALIGN_AFTER)
#define PLACES (2 * REACH + 1)
#define PART 36           /* samples of a kind that are compared at a time */
#define UNITS 8388600.0f  /* of 24 bits, for the largest sample of a kind */
#define LARGEST 1e6f    /* mV: a sample that is none, whose square may be no number */
#define FLAT 1e-5f      /* share of a lead's largest value, below which a shape is the rounding of single precision */
#define TINY_CORE 1e-12f /* share of a lead's squares, below which a core's are */

typedef char sibeat_align_sizes[SIBEAT_ALIGN_CORE % PART == 0 && SIBEAT_ALIGN_CORE == CORE_BEFORE + CORE_AFTER && SIBEAT_ALIGN_KINDS == KINDS &&
                                        SIBEAT_ALIGN_BEFORE == CORE_BEFORE + REACH &&
                                        SIBEAT_ALIGN_AFTER == CORE_AFTER + REACH
                                    ? 1
                                    : -1];

/* Add the products of values to a sum. */
static float add_products(float sum, const float *one, const float *other, int count)
{
    int k = 0;

    for (; k + 4 <= count; k += 4) { /* four at a time, in the same order */
        sum += one[k] * other[k];
        sum += one[k + 1] * other[k + 1];
        sum += one[k + 2] * other[k + 2];
        sum += one[k + 3] * other[k + 3];
    }
    for (; k < count; k++)
        sum += one[k] * other[k];
    return sum;
}

static float mean_of(const float *values, int count)
{
    float mean = 0.0f;

    for (int k = 0; k < count; k++)
        mean += values[k];
    return mean / (float)count;
}

static void take_mean_away(float *values, int count)
{
    const float mean = mean_of(values, count);

    for (int k = 0; k < count; k++)
        values[k] -= mean;
}

/* The squares of a core without its mean. */
static float squares_of(const float *core)
{
    const float mean = mean_of(core, SIBEAT_ALIGN_CORE);
    float squares = 0.0f;

    for (int k = 0; k < SIBEAT_ALIGN_CORE; k++) {
        const float value = core[k] - mean;
        squares += value * value;
    }
    return squares;
}

static void to_unit(float *core)
{
    const float size = sqrtf(add_products(0.0f, core, core, SIBEAT_ALIGN_CORE));

    for (int k = 0; k < SIBEAT_ALIGN_CORE; k++)
        core[k] /= size;
}

/* The size of the core at each place; infinite where it is flat, so that its correlation is 0. */
static void sizes_of(const float *lead, float *sizes)
{
    const float least = TINY_CORE * add_products(0.0f, lead, lead, SIZE);

    for (int place = 0; place < PLACES; place++) {
        const float squares = squares_of(lead + place);
        sizes[place] = squares > least ? sqrtf(squares) : INFINITY;
    }
}

static float sample_of(const sibeat_align_kind *kind, int k)
{
    return (float)(256 * kind->high[k] + kind->low[k]) * kind->unit;
}

static void store(const float *core, sibeat_align_kind *kind)
{
    float most = 0.0f;

    for (int k = 0; k < SIBEAT_ALIGN_CORE; k++)
        most = fabsf(core[k]) > most ? fabsf(core[k]) : most;
    kind->unit = most / UNITS;
    for (int k = 0; k < SIBEAT_ALIGN_CORE; k++) {
        const int32_t level = (int32_t)rintf(core[k] / kind->unit) + 32768 * 256; /* no less than 0 */
        kind->high[k] = (int16_t)(level / 256 - 32768);
        kind->low[k] = (uint8_t)(level % 256);
    }
}

/* The highest correlation of a kind with the cores at all places, and the first place that has it. */
static float highest_of(const sibeat_align_kind *kind, const float *lead, const float *sizes, int *where)
{
    float products[PLACES] = {0.0f}, part[PART], highest = -INFINITY;

    for (int first = 0; first < SIBEAT_ALIGN_CORE; first += PART) {
        for (int k = 0; k < PART; k++)
            part[k] = sample_of(kind, first + k);
        for (int place = 0; place < PLACES; place++)
            products[place] = add_products(products[place], lead + place + first, part, PART);
    }
    for (int place = 0; place < PLACES; place++) {
        /* A kind has no mean, so that the cores' do not count. */
        const float alike = products[place] / sizes[place];
        if (alike > highest) {
            highest = alike;
            *where = place;
        }
    }
    return highest;
}

/*
 * The commonest kind that a beat is of, or the one it is most like. A noisy beat may have begun a kind at another
 * place: beats that are of the wearer's own kind as well must not move there.
 */
static int commonest(const sibeat_aligner *aligner, const float *alike, float highest)
{
    const float least = highest - TIE > SAME ? highest - TIE : SAME;
    int best = -1, nearest = 0;

    for (int k = 0; k < aligner->kind_count; k++) {
        if (alike[k] >= least && (best < 0 || aligner->kinds[k].count > aligner->kinds[best].count))
            best = k;
        if (alike[k] > alike[nearest])
            nearest = k;
    }
    return best >= 0 ? best : nearest;
}

static float sign_of(float value)
{
    return (float)(value > 0.0f) - (float)(value < 0.0f);
}

/* Keep a kind at the place where most of its R-peaks are found: its running mean would drift away from them. */
static void hold(sibeat_align_kind *kind, int offset, float *core)
{
    kind->place += STEP * sign_of((float)offset - kind->place);
    if (fabsf(kind->place) < 1.0f)
        return;
    if (kind->place > 0.0f)
        memmove(core + 1, core, (SIBEAT_ALIGN_CORE - 1) * sizeof *core);
    else
        memmove(core, core + 1, (SIBEAT_ALIGN_CORE - 1) * sizeof *core);
    kind->place -= sign_of(kind->place);
    take_mean_away(core, SIBEAT_ALIGN_CORE);
    to_unit(core);
}

/* Begin a kind; where there are enough, it takes the place of the one with the fewest recent beats. */
static void add(sibeat_aligner *aligner, const float *core)
{
    if (aligner->kind_count == KINDS) {
        int rarest = 0;
        for (int k = 1; k < KINDS; k++)
            if (aligner->kinds[k].count < aligner->kinds[rarest].count)
                rarest = k;
        sibeat_align_kind *gone = &aligner->kinds[rarest];
        aligner->kind_count--;
        memmove(gone, gone + 1, (size_t)(aligner->kind_count - rarest) * sizeof *gone);
    }
    sibeat_align_kind *kind = &aligner->kinds[aligner->kind_count++];
    store(core, kind);
    kind->count = 1.0f;
    kind->place = 0.0f;
}

/* The signal-to-noise ratio in dB at which noise lowers a beat's correlation with its kind so far. */
static float ratio_of(float correlation)
{
    if (correlation <= 0.0f)
        return LEAST;
    if (correlation >= 1.0f)
        return MOST;
    const float share = correlation * correlation;
    const float ratio = 10.0f * log10f(share / (1.0f - share));
    return ratio < LEAST ? LEAST : ratio > MOST ? MOST : ratio;
}

/* Bring a lead together, without its mean. Returns 0 where its core is flat, or where it holds what is no number. */
static int is_known(float *lead, int leads)
{
    float highest = 0.0f;

    for (int k = 0; k < SIZE; k++) {
        lead[k] = lead[k * leads];
        if (!(fabsf(lead[k]) < LARGEST)) /* where it is NAN, too */
            return 0;
        highest = fabsf(lead[k]) > highest ? fabsf(lead[k]) : highest;
    }
    take_mean_away(lead, SIZE);
    return sqrtf(squares_of(lead + REACH)) > FLAT * highest;
}

void sibeat_aligner_start(sibeat_aligner *aligner)
{
    memset(aligner, 0, sizeof *aligner);
}

int sibeat_aligner_push(sibeat_aligner *aligner, float *lead, int leads, float *likeness)
{
    float sizes[PLACES], alike[KINDS], highest = -INFINITY;
    int places[KINDS] = {REACH, REACH, REACH, REACH};

    *likeness = NAN;
    if (!lead || !is_known(lead, leads))
        return 0;
    for (int k = 0; k < aligner->kind_count; k++)
        aligner->kinds[k].count *= 1.0f - 1.0f / LASTING;
    if (aligner->kind_count)
        sizes_of(lead, sizes);
    for (int k = 0; k < aligner->kind_count; k++) {
        alike[k] = highest_of(&aligner->kinds[k], lead, sizes, &places[k]);
        highest = alike[k] > highest ? alike[k] : highest;
    }
    const int number = aligner->kind_count ? commonest(aligner, alike, highest) : -1;
    const int place = number >= 0 && alike[number] >= NEAR ? places[number] : REACH;
    float *core = lead + place;
    take_mean_away(core, SIBEAT_ALIGN_CORE);
    to_unit(core);
    if (number >= 0 && alike[number] >= SAME) {
        sibeat_align_kind *kind = &aligner->kinds[number];
        for (int k = 0; k < SIBEAT_ALIGN_CORE; k++) {
            const float mean = sample_of(kind, k);
            core[k] = mean + (core[k] - mean) / MEMORY;
        }
        to_unit(core);
        kind->count += 1.0f;
        hold(kind, place - REACH, core);
        store(core, kind);
    } else {
        add(aligner, core);
    }
    if (number >= 0)
        *likeness = ratio_of(highest);
    return place - REACH;
}
