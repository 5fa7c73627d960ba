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
#define LARGEST 32767.0f
#define LEAST 1e-30f /* mV: a template with no larger sample is flat */
#define MADE (SIBEAT_LENGTH / SIBEAT_WARM_UP) /* places of a template that a step makes, as many as there is room for */

typedef char sibeat_template_places_fit[SIBEAT_WINDOWS < SIBEAT_NOWHERE && MADE > 0 ? 1 : -1];
typedef char sibeat_template_compares_in_its_room[2 * SIBEAT_PACKED_LEVELS + SIBEAT_WARM_UP <= SIBEAT_WINDOW_SIZE ? 1 : -1];

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

/* Correlation of the cores of a beat and of one of both templates, each lead without its mean; 0 where one is flat. */
static float likeness(const sibeat_template *own, int number, const float *window)
{
    const int begin = CORE_FIRST * SIBEAT_LEADS, end = CORE_LAST * SIBEAT_LEADS;
    float product = 0.0f, first = 0.0f, second = 0.0f;

    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        float mean = 0.0f, others_mean = 0.0f;
        for (int k = begin + lead; k < end; k += SIBEAT_LEADS) {
            mean += window[k];
            others_mean += number ? (float)own->other[k] : own->middle[k];
        }
        mean /= CORE_LAST - CORE_FIRST;
        others_mean /= CORE_LAST - CORE_FIRST;
        for (int k = begin + lead; k < end; k += SIBEAT_LEADS) {
            const float x = window[k] - mean, y = (number ? (float)own->other[k] : own->middle[k]) - others_mean;
            product += x * y;
            first += x * x;
            second += y * y;
        }
    }
    return first > 0.0f && second > 0.0f ? product / (sqrtf(first) * sqrtf(second)) : 0.0f;
}

/* Swap both templates. One that has not changed since it was the other one becomes that again, without rounding. */
static void swap(sibeat_template *own)
{
    const sibeat_kind kind = own->kinds[0];
    const float unit = own->unit;
    float most = 0.0f;

    for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++)
        most = fabsf(own->middle[k]) > most ? fabsf(own->middle[k]) : most;
    own->unit = most > LEAST ? most / LARGEST : 1.0f;
    for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++) {
        const float value = own->middle[k];
        own->middle[k] = unit * (float)own->other[k];
        own->other[k] = (int16_t)rintf(value / own->unit);
    }
    own->kinds[0] = own->kinds[1];
    own->kinds[1] = kind;
    own->newest ^= 1u;
}

static int place_of(const sibeat_template *own, int number)
{
    return (own->first + number) % SIBEAT_WARM_UP;
}

static const sibeat_packed_lead *other(const sibeat_template *own, int number, int lead)
{
    return &own->windows[own->others[place_of(own, number)]].leads[lead];
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
static void spread_of(const float *levels, float *spread)
{
    float mean = 0.0f;

    for (int place = CORE_FIRST; place < CORE_LAST; place++)
        mean += sibeat_packed_at(levels, place);
    mean /= CORE_LAST - CORE_FIRST;
    memset(spread, 0, SIBEAT_PACKED_LEVELS * sizeof *spread);
    for (int place = CORE_FIRST; place < CORE_LAST; place++)
        sibeat_packed_spread(sibeat_packed_at(levels, place) - mean, place, spread);
}

static float product_of(const float *one, const float *other)
{
    float product = 0.0f;

    for (int k = 0; k < SIBEAT_PACKED_LEVELS; k++)
        product += one[k] * other[k];
    return product;
}

/* Find out which of the other beats up to one that one is similar to. */
static void compare(const sibeat_template *own, int number, sibeat_room *room)
{
    sibeat_search *search = &room->rest.search;
    float *spread = room->window, *levels = spread + SIBEAT_PACKED_LEVELS, *products = levels + SIBEAT_PACKED_LEVELS;

    memset(products, 0, SIBEAT_WARM_UP * sizeof *products);
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        sibeat_packed_levels(other(own, number, lead), levels);
        spread_of(levels, spread);
        for (int k = 0; k <= number; k++) {
            sibeat_packed_levels(other(own, k, lead), levels);
            products[k] += product_of(spread, levels);
        }
    }
    search->similar[number] = UINT64_C(1) << number;
    search->sizes[number] = products[number] > 0.0f ? sqrtf(products[number]) : 0.0f;
    for (int k = 0; k < number; k++) {
        const float size = search->sizes[number] * search->sizes[k];
        if (size > 0.0f && products[k] / size >= SIBEAT_SIMILAR) {
            search->similar[number] |= UINT64_C(1) << k;
            search->similar[k] |= UINT64_C(1) << number;
        }
    }
}

/* Sort the other beats into kinds of similar beats, the largest first; returns how many, without those that are rare. */
static int kinds_of(const sibeat_template *own, const sibeat_search *search, uint64_t kinds[MOST_KINDS])
{
    const int beats = own->other_count;
    uint64_t left = 0;
    int found = 0;

    for (int i = 0; i < beats; i++)
        left |= UINT64_C(1) << i;
    while (left && found < MOST_KINDS) {
        int centre = 0, most = 0;
        for (int i = 0; i < beats; i++)
            if (left >> i & 1 && size_of(search->similar[i] & left) > most) {
                most = size_of(search->similar[i] & left);
                centre = i;
            }
        kinds[found] = search->similar[centre] & left;
        left &= ~kinds[found++];
    }
    return found;
}

/* The median RR interval before a kind's beats; 0 where none is known. */
static float usual_rr(const sibeat_template *own, uint64_t kind, float *known)
{
    int count = 0;

    for (int i = 0; i < own->other_count; i++)
        if (kind >> i & 1 && own->intervals[place_of(own, i)])
            known[count++] = sibeat_seconds_of(own->intervals[place_of(own, i)]);
    if (!count)
        return 0.0f;
    sibeat_sort(known, count, known);
    return sibeat_quantile(known, count, 0.5f);
}

/* The kind among those found of which the first template is to be made; 0 where there is none. */
static uint64_t first_of(const sibeat_template *own, const uint64_t *kinds, int found, float *known)
{
    const float beats = own->other_count;
    const int patient = own->count < SIBEAT_PATIENCE;
    const float least = patient ? SIBEAT_KIND : SIBEAT_RIVAL;
    int chosen = -1;

    for (int k = 0; k < found; k++) {
        const float least_now = chosen >= 0 && patient ? SIBEAT_FEW : SIBEAT_RIVAL; /* the largest comes first */
        if ((float)size_of(kinds[k]) < least_now * beats)
            continue;
        if (chosen < 0 || usual_rr(own, kinds[k], known) > SIBEAT_LATER * usual_rr(own, kinds[chosen], known))
            chosen = k;
    }
    return chosen >= 0 && (float)size_of(kinds[chosen]) >= least * beats ? kinds[chosen] : 0;
}

/* One that is frequent and not premature, of which one more template is to be made; 0 where there is none. */
static uint64_t rival_of(const sibeat_template *own, const uint64_t *kinds, int found, float *known)
{
    const float all = (float)((uint32_t)own->other_count * (own->count - own->since));
    float usual = own->kinds[0].rr;

    if (own->kind_count == 2 && own->kinds[1].rr < usual)
        usual = own->kinds[1].rr;
    for (int k = 0; k < found; k++)
        if ((float)(size_of(kinds[k]) * SIBEAT_UNLIKE) >= SIBEAT_RIVAL * all &&
            SIBEAT_LATER * usual_rr(own, kinds[k], known) >= usual)
            return kinds[k];
    return 0;
}

/* Choose the beats of a new template, when all have been compared; it becomes the one in use. */
static void choose(sibeat_template *own, sibeat_room *room)
{
    uint64_t kinds[MOST_KINDS];
    const int found = kinds_of(own, &room->rest.search, kinds), is_first = own->searched == SIBEAT_SEARCH_FIRST;

    own->step = 0;
    own->chosen = is_first ? first_of(own, kinds, found, room->window) : rival_of(own, kinds, found, room->window);
    if (!own->chosen) {
        if (is_first)
            drop(own, own->other_count < SIBEAT_PROLONGED ? own->other_count : SIBEAT_PROLONGED);
        else
            own->since = own->count;
        own->searched = SIBEAT_SEARCH_NONE;
        return;
    }
    if (!own->newest)
        swap(own);
    own->newest = 0;
    own->kinds[0].rr = usual_rr(own, own->chosen, room->window);
    own->kinds[0].gain = 0.0f;
    own->kinds[0].steady = 0;
}

/* Make the next places of the new template. */
static void make(sibeat_template *own, sibeat_room *room)
{
    float *values = room->window, *levels = room->rest.levels;
    const int first = own->step, left = SIBEAT_LENGTH - first, places = left < MADE ? left : MADE;

    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        int count = 0;
        for (int i = 0; i < own->other_count; i++)
            if (own->chosen >> i & 1) {
                sibeat_packed_levels(other(own, i, lead), levels);
                for (int k = 0; k < places; k++)
                    values[k * SIBEAT_WARM_UP + count] = sibeat_packed_at(levels, first + k);
                count++;
            }
        for (int k = 0; k < places; k++) {
            float *sorted = values + k * SIBEAT_WARM_UP;
            sibeat_sort(sorted, count, sorted);
            own->middle[(first + k) * SIBEAT_LEADS + lead] = sibeat_quantile(sorted, count, 0.5f);
        }
    }
    own->step = (uint16_t)(first + places);
    if (own->step < SIBEAT_LENGTH)
        return;
    if (own->kind_count < 2)
        own->kind_count++;
    drop(own, own->other_count);
    own->since = own->count;
    own->chosen = 0;
    own->step = 0;
    own->searched = SIBEAT_SEARCH_NONE;
}

int sibeat_template_search(sibeat_template *own, sibeat_room *room)
{
    if (own->searched == SIBEAT_SEARCH_NONE)
        return 0;
    if (own->chosen)
        make(own, room);
    else if (own->step < own->other_count)
        compare(own, own->step++, room);
    else
        choose(own, room);
    return 1;
}

void sibeat_template_resume(sibeat_template *own)
{
    if (!own->chosen)
        own->step = 0;
}

void sibeat_template_settle(sibeat_template *own)
{
    own->searched = SIBEAT_SEARCH_FIRST;
}

/* Give the template the size of its last beats, where enough in a row were larger, or all smaller. */
static void follow_gain(sibeat_template *own, const float *window)
{
    const float least = logf(SIBEAT_GAIN);
    sibeat_kind *kind = &own->kinds[0];
    float product = 0.0f, size = 0.0f;

    for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++) {
        product += window[k] * own->middle[k];
        size += own->middle[k] * own->middle[k];
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
            own->middle[k] *= factor;
        kind->steady = 0;
        kind->gain = 0.0f;
    }
}

/* Move the template towards a beat of its kind, by a part of their distance, which is limited. */
static void learn(sibeat_template *own, const float *window, float seconds)
{
    float *rr = &own->kinds[0].rr;

    follow_gain(own, window);
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        float low = own->middle[lead], high = low;
        for (int k = lead; k < SIBEAT_WINDOW_SIZE; k += SIBEAT_LEADS) {
            low = own->middle[k] < low ? own->middle[k] : low;
            high = own->middle[k] > high ? own->middle[k] : high;
        }
        const float bound = SIBEAT_BOUND * (high - low);
        for (int k = lead; k < SIBEAT_WINDOW_SIZE; k += SIBEAT_LEADS) {
            float step = window[k] - own->middle[k];
            step = step > bound ? bound : step;
            own->middle[k] += (step < -bound ? -bound : step) / SIBEAT_MEMORY;
        }
    }
    if (isfinite(seconds))
        *rr += *rr > 0.0f ? (seconds - *rr) / SIBEAT_MEMORY : seconds;
    own->newest = 0;
}

/* Make the template that is most like a beat the one in floats; of two as like it, the one that has learnt last. */
static float take_nearest(sibeat_template *own, const float *window)
{
    float alike[2];

    alike[0] = likeness(own, 0, window);
    if (own->kind_count < 2)
        return alike[0];
    alike[1] = likeness(own, 1, window);
    const int nearest = alike[!own->newest] > alike[own->newest] ? !own->newest : own->newest;
    if (nearest)
        swap(own);
    return alike[nearest];
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
    if (own->kind_count && take_nearest(own, window) >= SIBEAT_ALIKE) {
        learn(own, window, seconds);
        return own->kind_count;
    }
    keep(own, window, place, seconds);
    if (!own->kind_count) {
        if (own->other_count == SIBEAT_WARM_UP)
            sibeat_template_settle(own);
    } else if (++own->unlike == SIBEAT_UNLIKE) {
        own->searched = SIBEAT_SEARCH_RIVAL;
        own->unlike = 0;
    }
    return own->kind_count;
}

const float *sibeat_template_nearest(sibeat_template *own, const float *window)
{
    if (!own->kind_count)
        return NULL;
    take_nearest(own, window);
    return own->middle;
}

#endif
