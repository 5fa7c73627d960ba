/* SPDX-License-Identifier: MIT */
#include "sibeat_template.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "sibeat_newest.h"
#include "sibeat_ticks.h"

#if SIBEAT_RHYTHM_FEATURES

/* A set of the warm-up's beats is a word of bits. */
typedef char sibeat_warm_up_fits_a_word[SIBEAT_WARM_UP <= 64 ? 1 : -1];

#define MOST_KINDS 10 /* of the warm-up's beats: SIBEAT_FEW of all are the least that a kind must have */

typedef char sibeat_template_places_fit[SIBEAT_WINDOWS < SIBEAT_NOWHERE ? 1 : -1];

void sibeat_template_start(sibeat_template *own)
{
    memset(own, 0, sizeof *own);
}

/* The first place of no use to anybody, or SIBEAT_WINDOWS. */
static uint8_t free_place(const sibeat_template *own)
{
    uint8_t place = 0;

    while (place < SIBEAT_WINDOWS && own->uses[place])
        place++;
    return place;
}

int sibeat_template_has_room(const sibeat_template *own)
{
    return free_place(own) < SIBEAT_WINDOWS;
}

uint8_t sibeat_template_hold(sibeat_template *own, const float *window)
{
    const uint8_t place = free_place(own);

    if (place == SIBEAT_WINDOWS)
        return SIBEAT_NOWHERE;
    sibeat_pack(window, &own->windows[place]);
    own->uses[place] = 1;
    return place;
}

void sibeat_template_let_go(sibeat_template *own, uint8_t place)
{
    if (place < SIBEAT_WINDOWS && own->uses[place])
        own->uses[place]--;
}

/* The core of a window: its ticks from the first to before the last. */
#if SIBEAT_BEFORE > SIBEAT_CORE_BEFORE
#define CORE_FIRST (SIBEAT_BEFORE - SIBEAT_CORE_BEFORE)
#else
#define CORE_FIRST 0
#endif
#if SIBEAT_AFTER > SIBEAT_CORE_AFTER
#define CORE_LAST (SIBEAT_BEFORE + SIBEAT_CORE_AFTER)
#else
#define CORE_LAST SIBEAT_LENGTH
#endif

/* Correlation of two beats' cores, each lead without its mean; 0 where one is flat. */
static float likeness(const float *one, const float *other)
{
    const int begin = CORE_FIRST * SIBEAT_LEADS, end = CORE_LAST * SIBEAT_LEADS;
    float product = 0.0f, first = 0.0f, second = 0.0f;

    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        float mean = 0.0f, others_mean = 0.0f;
        for (int k = begin + lead; k < end; k += SIBEAT_LEADS) {
            mean += one[k];
            others_mean += other[k];
        }
        mean /= CORE_LAST - CORE_FIRST;
        others_mean /= CORE_LAST - CORE_FIRST;
        for (int k = begin + lead; k < end; k += SIBEAT_LEADS) {
            const float x = one[k] - mean, y = other[k] - others_mean;
            product += x * y;
            first += x * x;
            second += y * y;
        }
    }
    return first > 0.0f && second > 0.0f ? product / (sqrtf(first) * sqrtf(second)) : 0.0f;
}

static int place_of(const sibeat_template *own, int number)
{
    return (own->first + number) % SIBEAT_WARM_UP;
}

static const sibeat_packed *other(const sibeat_template *own, int number)
{
    return &own->windows[own->others[place_of(own, number)]];
}

/* Let the oldest of the other beats go. */
static void drop(sibeat_template *own, int count)
{
    for (int k = 0; k < count; k++) {
        sibeat_template_let_go(own, own->others[own->first]);
        own->first = (uint8_t)place_of(own, 1);
        own->other_count--;
    }
}

static int size_of(uint64_t kind)
{
    int size = 0;
    for (; kind; kind &= kind - 1)
        size++;
    return size;
}

/* Bring a lead's core, without its mean, to the levels of which it is made, for its product with other cores. */
static void spread_of(const sibeat_packed *packed, int lead, float *spread)
{
    float mean = 0.0f;

    for (int place = CORE_FIRST; place < CORE_LAST; place++)
        mean += sibeat_packed_at(packed, lead, place);
    mean /= CORE_LAST - CORE_FIRST;
    memset(spread, 0, SIBEAT_PACKED_LEVELS * sizeof *spread);
    for (int place = CORE_FIRST; place < CORE_LAST; place++)
        sibeat_packed_spread(sibeat_packed_at(packed, lead, place) - mean, place, spread);
}

static float product_of(const float *spread, const sibeat_packed_lead *lead)
{
    float product = 0.0f;

    for (int k = 0; k < SIBEAT_PACKED_LEVELS; k++)
        if (spread[k] != 0.0f) /* outside of the core it is */
            product += spread[k] * sibeat_packed_level(lead, k);
    return product;
}

/* Which of the other beats up to one that one is similar to, itself among them. sizes: of their cores; it sets its own. */
static uint64_t similar_to(const sibeat_template *own, int number, float *sizes)
{
    float products[SIBEAT_WARM_UP] = {0}, spread[SIBEAT_PACKED_LEVELS];
    uint64_t similar = UINT64_C(1) << number;

    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        spread_of(other(own, number), lead, spread);
        for (int k = 0; k <= number; k++)
            products[k] += product_of(spread, &other(own, k)->leads[lead]);
    }
    sizes[number] = products[number] > 0.0f ? sqrtf(products[number]) : 0.0f;
    for (int k = 0; k < number; k++) {
        const float size = sizes[number] * sizes[k];
        if (size > 0.0f && products[k] / size >= SIBEAT_SIMILAR)
            similar |= UINT64_C(1) << k;
    }
    return similar;
}

/* Sort the other beats into kinds of similar beats, the largest first; returns how many, without those that are rare. */
static int kinds_of(const sibeat_template *own, uint64_t kinds[MOST_KINDS])
{
    const int beats = own->other_count;
    uint64_t similar[SIBEAT_WARM_UP], left = 0;
    float sizes[SIBEAT_WARM_UP];
    int found = 0;

    for (int i = 0; i < beats; i++) {
        left |= UINT64_C(1) << i;
        similar[i] = similar_to(own, i, sizes);
        for (int j = 0; j < i; j++)
            similar[j] |= (similar[i] >> j & 1) << i;
    }
    while (left && found < MOST_KINDS) {
        int centre = 0, most = 0;
        for (int i = 0; i < beats; i++)
            if (left >> i & 1 && size_of(similar[i] & left) > most) {
                most = size_of(similar[i] & left);
                centre = i;
            }
        kinds[found] = similar[centre] & left;
        left &= ~kinds[found++];
    }
    return found;
}

/* The median RR interval before a kind's beats; 0 where none is known. */
static float usual_rr(const sibeat_template *own, uint64_t kind)
{
    float known[SIBEAT_WARM_UP];
    int count = 0;

    for (int i = 0; i < own->other_count; i++)
        if (kind >> i & 1 && own->intervals[place_of(own, i)])
            known[count++] = sibeat_seconds_of(own->intervals[place_of(own, i)]);
    if (!count)
        return 0.0f;
    sibeat_sort(known, count, known);
    return sibeat_quantile(known, count, 0.5f);
}

/* Make a kind of the other beats a template, and the one in use. */
static void take(sibeat_template *own, uint64_t kind)
{
    float values[SIBEAT_WARM_UP];

    own->kinds[1] = own->kinds[0];
    own->kinds[0].rr = usual_rr(own, kind);
    own->kinds[0].gain = 0.0f;
    own->kinds[0].steady = 0;
    for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++) {
        int count = 0;
        for (int i = 0; i < own->other_count; i++)
            if (kind >> i & 1)
                values[count++] = sibeat_packed_at(other(own, i), k % SIBEAT_LEADS, k / SIBEAT_LEADS);
        sibeat_sort(values, count, values);
        own->kinds[0].middle[k] = sibeat_quantile(values, count, 0.5f);
    }
    if (own->kind_count < 2)
        own->kind_count++;
    drop(own, own->other_count);
}

void sibeat_template_settle(sibeat_template *own)
{
    uint64_t kinds[MOST_KINDS];
    const int found = kinds_of(own, kinds), beats = own->other_count;
    const int patient = own->count < SIBEAT_PATIENCE;
    const float least = patient ? SIBEAT_KIND : SIBEAT_RIVAL;
    int chosen = -1;

    for (int k = 0; k < found; k++) {
        const float least_now = chosen >= 0 && patient ? SIBEAT_FEW : SIBEAT_RIVAL; /* the largest comes first */
        if ((float)size_of(kinds[k]) < least_now * (float)beats)
            continue;
        if (chosen < 0 || usual_rr(own, kinds[k]) > SIBEAT_LATER * usual_rr(own, kinds[chosen]))
            chosen = k;
    }
    if (chosen >= 0 && (float)size_of(kinds[chosen]) >= least * (float)beats) {
        take(own, kinds[chosen]);
        own->since = own->count;
    } else {
        drop(own, beats < SIBEAT_PROLONGED ? beats : SIBEAT_PROLONGED);
    }
}

/* Make a template of a kind of the other beats that is frequent and not premature, where there is one. */
static void add(sibeat_template *own)
{
    uint64_t kinds[MOST_KINDS];
    const int found = kinds_of(own, kinds), beats = own->other_count;
    const float all = (float)((uint32_t)beats * (own->count - own->since));
    float usual = own->kinds[0].rr;

    if (own->kind_count == 2 && own->kinds[1].rr < usual)
        usual = own->kinds[1].rr;
    for (int k = 0; k < found; k++)
        if ((float)(size_of(kinds[k]) * SIBEAT_UNLIKE) >= SIBEAT_RIVAL * all &&
            SIBEAT_LATER * usual_rr(own, kinds[k]) >= usual) {
            take(own, kinds[k]);
            return;
        }
}

/* Give a template the size of its last beats, where enough in a row were larger, or all smaller. */
static void follow_gain(sibeat_kind *kind, const float *window)
{
    const float least = logf(SIBEAT_GAIN);
    float product = 0.0f, size = 0.0f;

    for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++) {
        product += window[k] * kind->middle[k];
        size += kind->middle[k] * kind->middle[k];
    }
    const float ratio = size > 0.0f ? product / size : 1.0f;
    const float gain = logf(ratio > 1e-6f ? ratio : 1e-6f);
    if (fabsf(gain) < least || gain * kind->gain < 0.0f) {
        kind->steady = 0;
        kind->gain = 0.0f;
    }
    if (fabsf(gain) >= least) {
        kind->steady++;
        kind->gain += gain;
    }
    if (kind->steady == SIBEAT_STEADY) {
        const float factor = expf(kind->gain / SIBEAT_STEADY);
        for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++)
            kind->middle[k] *= factor;
        kind->steady = 0;
        kind->gain = 0.0f;
    }
}

/* Move a template towards a beat of its kind, by a part of their distance, which is limited. */
static void learn(sibeat_kind *kind, const float *window, float seconds)
{
    follow_gain(kind, window);
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        float low = kind->middle[lead], high = low;
        for (int k = lead; k < SIBEAT_WINDOW_SIZE; k += SIBEAT_LEADS) {
            low = kind->middle[k] < low ? kind->middle[k] : low;
            high = kind->middle[k] > high ? kind->middle[k] : high;
        }
        const float bound = SIBEAT_BOUND * (high - low);
        for (int k = lead; k < SIBEAT_WINDOW_SIZE; k += SIBEAT_LEADS) {
            float step = window[k] - kind->middle[k];
            step = step > bound ? bound : step;
            kind->middle[k] += (step < -bound ? -bound : step) / SIBEAT_MEMORY;
        }
    }
    if (isfinite(seconds))
        kind->rr += kind->rr > 0.0f ? (seconds - kind->rr) / SIBEAT_MEMORY : seconds;
}

/* Value by value: a whole kind is too much for the stack of a small task. */
static void swap(sibeat_kind *one, sibeat_kind *other)
{
    for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++) {
        const float value = one->middle[k];
        one->middle[k] = other->middle[k];
        other->middle[k] = value;
    }
    const float rr = one->rr, gain = one->gain;
    const uint8_t steady = one->steady;
    one->rr = other->rr;
    other->rr = rr;
    one->gain = other->gain;
    other->gain = gain;
    one->steady = other->steady;
    other->steady = steady;
}

static int nearest(const sibeat_template *own, const float *window, float *alike)
{
    *alike = likeness(window, own->kinds[0].middle);
    if (own->kind_count < 2)
        return 0;
    const float other = likeness(window, own->kinds[1].middle);
    if (other <= *alike)
        return 0;
    *alike = other;
    return 1;
}

/* Add a beat to the others, in the place of the oldest one if need be. */
static void keep(sibeat_template *own, const float *window, uint8_t place, float seconds)
{
    if (own->other_count == SIBEAT_WARM_UP)
        drop(own, 1);
    if (place == SIBEAT_NOWHERE)
        place = sibeat_template_hold(own, window);
    else
        own->uses[place]++;
    if (place == SIBEAT_NOWHERE)
        return;
    own->others[place_of(own, own->other_count)] = place;
    own->intervals[place_of(own, own->other_count)] = sibeat_ticks_of(seconds);
    own->other_count++;
}

int sibeat_template_push(sibeat_template *own, const float *window, uint8_t place, float seconds)
{
    own->count++;
    if (seconds > SIBEAT_LONGEST_RR)
        seconds = SIBEAT_LONGEST_RR;
    if (seconds < 0.0f)
        seconds = NAN; /* of a clock that jumped: it would stay in the usual interval for long */
    if (own->kind_count) {
        float alike;
        const int kind = nearest(own, window, &alike);
        if (alike >= SIBEAT_ALIKE) {
            learn(&own->kinds[kind], window, seconds);
            if (kind)
                swap(&own->kinds[0], &own->kinds[1]);
            return own->kind_count;
        }
    }
    keep(own, window, place, seconds);
    if (!own->kind_count) {
        if (own->other_count == SIBEAT_WARM_UP)
            sibeat_template_settle(own);
    } else if (++own->unlike == SIBEAT_UNLIKE) {
        add(own);
        own->unlike = 0;
        own->since = own->count;
    }
    return own->kind_count;
}

const float *sibeat_template_nearest(const sibeat_template *own, const float *window)
{
    float alike;
    return own->kind_count ? own->kinds[nearest(own, window, &alike)].middle : NULL;
}

#endif
