/* SPDX-License-Identifier: MIT */
#include "sibeat_quality.h"

#include <math.h>

/* As in sibeat_edge.signal.quality, where each is explained. */
#define QRS 36
#define SMOOTH 18
#define LEAST 0.05f
#define NOISY 0.07f
#define CLEAN 0.05f
/* As in sibeat_edge.beats.stretch. */
#define FAST 0.015f

/* What a lead of a window spans, mV; NAN where it holds what is no number. */
static float span_of(const float *window, int lead)
{
    float low = window[lead], high = low;

    for (int k = lead; k < SIBEAT_LENGTH * SIBEAT_LEADS; k += SIBEAT_LEADS) {
        if (!isfinite(window[k]))
            return NAN;
        low = window[k] < low ? window[k] : low;
        high = window[k] > high ? window[k] : high;
    }
    return high - low;
}

/* What a moving average takes away at a place. */
static float fast_part(const float *window, int lead, int place)
{
    float sum = 0.0f;

    for (int k = place - SMOOTH / 2; k < place + SMOOTH / 2; k++)
        sum += window[k * SIBEAT_LEADS + lead];
    return fabsf(window[place * SIBEAT_LEADS + lead] - sum / SMOOTH);
}

/*
 * Put the values of a lead in such an order that the one of that rank stands at its place, none behind it is less.
 * Returns it.
 */
static float ranked(float *values, int count, int rank)
{
    int first = 0, last = count - 1;

    while (first < last) {
        const float middle = values[(first + (last - first) / 2) * SIBEAT_LEADS];
        int low = first, high = last;
        while (low <= high) {
            while (values[low * SIBEAT_LEADS] < middle)
                low++;
            while (values[high * SIBEAT_LEADS] > middle)
                high--;
            if (low <= high) {
                const float value = values[low * SIBEAT_LEADS];
                values[low++ * SIBEAT_LEADS] = values[high * SIBEAT_LEADS];
                values[high-- * SIBEAT_LEADS] = value;
            }
        }
        if (rank <= high)
            last = high;
        else if (rank >= low)
            first = low;
        else
            break;
    }
    return values[rank * SIBEAT_LEADS];
}

static float median_of(float *values, int count)
{
    const int below = (count - 1) / 2, above = count / 2;
    const float one = ranked(values, count, below);
    float other = above > below ? values[above * SIBEAT_LEADS] : one;

    for (int k = above; k < count; k++)
        other = values[k * SIBEAT_LEADS] < other ? values[k * SIBEAT_LEADS] : other;
    return (one + other) / 2.0f;
}

/*
 * The median fast part of a lead outside of the QRS, as a share of its span; 0 where nothing lies outside. The parts take
 * the places of samples that are needed no longer.
 */
static float fast_share(float *window, int lead, float span)
{
    int count = 0;

    for (int place = SMOOTH; place < SIBEAT_LENGTH - SMOOTH; place++) {
        if (place > SIBEAT_BEFORE - QRS && place < SIBEAT_BEFORE + QRS)
            continue;
        window[count++ * SIBEAT_LEADS + lead] = fast_part(window, lead, place);
    }
    return count ? median_of(window + lead, count) / span : 0.0f;
}

sibeat_quality sibeat_quality_of(float *window, sibeat_fitness stretch, int *is_scored)
{
    float worst = 0.0f;
    int is_number = 1;

    *is_scored = 0;
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        const float span = span_of(window, lead);
        if (span < LEAST) /* not where it is NAN */
            return SIBEAT_FLAT;
        is_number = is_number && isfinite(span);
    }
    if (!is_number)
        return SIBEAT_NOISY;
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        const float share = fast_share(window, lead, span_of(window, lead));
        worst = share > worst ? share : worst;
    }
    *is_scored = SIBEAT_RHYTHM_FEATURES && worst <= NOISY && stretch != SIBEAT_UNFIT;
    if (worst <= CLEAN && stretch == SIBEAT_CLEAN) {
        *is_scored = 1;
        return SIBEAT_FINE;
    }
    return worst > FAST ? SIBEAT_NOISY : SIBEAT_MOTION;
}
