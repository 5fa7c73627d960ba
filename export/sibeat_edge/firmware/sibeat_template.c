/* SPDX-License-Identifier: MIT */
#include "sibeat_template.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "sibeat_newest.h"

#if SIBEAT_RHYTHM_FEATURES

/* A set of the warm-up's beats is a word of bits. */
typedef char sibeat_warm_up_fits_a_word[SIBEAT_WARM_UP <= 64 ? 1 : -1];

void sibeat_template_start(sibeat_template *own)
{
    own->kind_count = own->first = own->other_count = 0;
    own->count = own->since = own->unlike = 0;
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

static int size_of(uint64_t kind)
{
    int size = 0;
    for (; kind; kind &= kind - 1)
        size++;
    return size;
}

/* Sort the other beats into kinds of similar beats, the largest first; returns how many kinds. */
static int kinds_of(const sibeat_template *own, uint64_t *kinds)
{
    uint64_t similar[SIBEAT_WARM_UP] = {0}, left = 0;
    int found = 0;

    for (int i = 0; i < own->other_count; i++) {
        left |= UINT64_C(1) << i;
        similar[i] |= UINT64_C(1) << i;
        for (int j = 0; j < i; j++)
            if (likeness(own->others[place_of(own, i)], own->others[place_of(own, j)]) >= SIBEAT_SIMILAR) {
                similar[i] |= UINT64_C(1) << j;
                similar[j] |= UINT64_C(1) << i;
            }
    }
    while (left) {
        int centre = -1, most = -1;
        for (int i = 0; i < own->other_count; i++)
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
        if (kind >> i & 1 && isfinite(own->intervals[place_of(own, i)]))
            known[count++] = own->intervals[place_of(own, i)];
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
                values[count++] = own->others[place_of(own, i)][k];
        sibeat_sort(values, count, values);
        own->kinds[0].middle[k] = sibeat_quantile(values, count, 0.5f);
    }
    if (own->kind_count < 2)
        own->kind_count++;
    own->other_count = 0;
}

void sibeat_template_settle(sibeat_template *own)
{
    uint64_t kinds[SIBEAT_WARM_UP];
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
        const int gone = beats < SIBEAT_PROLONGED ? beats : SIBEAT_PROLONGED;
        own->first = (uint8_t)place_of(own, gone);
        own->other_count = (uint8_t)(beats - gone);
    }
}

/* Make a template of a kind of the other beats that is frequent and not premature, where there is one. */
static void add(sibeat_template *own)
{
    uint64_t kinds[SIBEAT_WARM_UP];
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

int sibeat_template_push(sibeat_template *own, const float *window, float seconds)
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
    const int place = place_of(own, own->other_count);
    memcpy(own->others[place], window, sizeof own->others[place]);
    own->intervals[place] = seconds;
    if (own->other_count < SIBEAT_WARM_UP)
        own->other_count++;
    else
        own->first = (uint8_t)place_of(own, 1);
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
