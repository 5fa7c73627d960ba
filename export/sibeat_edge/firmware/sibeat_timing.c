/* SPDX-License-Identifier: MIT */
#include "sibeat_timing.h"

#include <math.h>
#include <string.h>

/* As in sibeat_edge.beats.timing, where each is explained. */
#define PAIRS 24
#define USUAL 16
#define FEWEST 6
#define EARLY 0.12f
#define LOST 8
#define LEAST_EARLY 0.06f
#define DEEPER 0.2f
#define MANY 0.4f
#define MOST 0.5f
#define MOST_ROWS 0.6f
#define SHARED 40.0f
#define LATE_SHARE 0.05f
#define FREQUENT 0.25f
#define SCATTERED 0.18f
#define APART 0.1f
#define REGULAR 0.1f
#define EARLIER 0.15f
#define SPREADS 3.0f
#define SCORE 0.34f
#define CROWDED 1.1f
#define ABRUPT 0.1f
#define FOLLOWS 0.03f
#define SHORT 0.85f
#define ROW 6
#define EVEN 0.12f
#define ONSET 0.3f
#define FAST 0.6f
#define SETTLED 8
#define LONGEST 2000
/* As in sibeat_edge.beats.heaps. */
#define HEAPS_LOWEST (-0.06f)
#define HEAPS_HIGHEST 0.7f
#define HEAPS_STEP 0.02f
#define HEAPS_SMOOTH 0.025f
#define HALF_LIFE 400.0f
#define LEAST 200.0f
#define HEAPS_UPPER 16 /* the first bin whose middle is 0.26 or more */
#define HEAPS_LOWER 10 /* and 0.15 */
#define HEAPS_FEWEST 2.0f
#define DEEP 0.55f
/* As in sibeat_edge.beats.lengths. */
#define LENGTHS_LOWEST (-1.386294361120f) /* logarithm of 0.25 s, */
#define LENGTHS_HIGHEST 1.098612288668f /* and of 3 s */
#define LENGTHS_STEP 0.04f
#define LENGTHS_SMOOTH 0.05f
#define SHARE 0.1f
#define CLEFT 0.15f
#define LENGTHS_SCATTERED 0.18f
#define TURNS 0.1f
#define OVER 40.0f
#define LONG 8
#define DROPPED 1.2f
#define HALF 0.06f
#define FAST_HALF 0.12f

#define NOT_KNOWN 2

typedef char sibeat_newest_is_enough[SIBEAT_NEWEST >= PAIRS && PAIRS >= USUAL && USUAL >= SETTLED ? 1 : -1];

/* Histograms that forget */

static void count_in(float *counts, int bins, float value, float lowest, float highest, float step)
{
    const float most = highest - step / 2.0f, forgets = exp2f(-1.0f / HALF_LIFE);

    value = value > lowest ? value : lowest; /* NAN, too */
    for (int k = 0; k < bins; k++)
        counts[k] *= forgets;
    counts[(int)(((value < most ? value : most) - lowest) / step)] += 1.0f;
}

static float sum_of(const float *counts, int bins)
{
    float sum = 0.0f;

    for (int k = 0; k < bins; k++)
        sum += counts[k];
    return sum;
}

/* Smooth counts by a bell curve of so many bins; each keeps its weight at the ends, too. bell: room for as many. */
static void smooth(const float *counts, int bins, float width, float *bell, float *heights)
{
    for (int k = 0; k < bins; k++) {
        bell[k] = expf(-0.5f * ((float)k / width) * ((float)k / width));
        heights[k] = 0.0f;
    }
    for (int from = 0; from < bins; from++) {
        float all = 0.0f;
        for (int to = 0; to < bins; to++)
            all += bell[to > from ? to - from : from - to];
        all = counts[from] / all;
        for (int to = 0; to < bins; to++)
            heights[to] += all * bell[to > from ? to - from : from - to];
    }
}

/* Of a bin, where a valley may lie: its middle. */
static float middle_of(int bin)
{
    return HEAPS_LOWEST + ((float)bin + 0.5f) * HEAPS_STEP;
}

int sibeat_timing_bin_of(float score)
{
    int bin = 0;

    while (bin < SIBEAT_HEAPS_BINS && score > middle_of(bin))
        bin++;
    return bin;
}

float sibeat_timing_score_of(int bin)
{
    return HEAPS_LOWEST + (float)bin * HEAPS_STEP;
}

/* Whether scores fall into two heaps, and where the valley between lies */

static void find_heaps(sibeat_timing *timing)
{
    float heights[SIBEAT_HEAPS_BINS], bell[SIBEAT_HEAPS_BINS];
    int peak = HEAPS_UPPER;

    timing->heap_valley = NAN;
    timing->depth = 1.0f;
    if (sum_of(timing->heaps, SIBEAT_HEAPS_BINS) < LEAST ||
        sum_of(timing->heaps + HEAPS_UPPER, SIBEAT_HEAPS_BINS - HEAPS_UPPER) < HEAPS_FEWEST)
        return;
    smooth(timing->heaps, SIBEAT_HEAPS_BINS, HEAPS_SMOOTH / HEAPS_STEP, bell, heights);
    for (int k = HEAPS_UPPER; k < SIBEAT_HEAPS_BINS; k++)
        peak = heights[k] > heights[peak] ? k : peak;
    int low = peak;
    for (int k = peak; k >= HEAPS_LOWER; k--)
        low = heights[k] < heights[low] ? k : low;
    if (heights[low] / heights[peak] < DEEP) {
        timing->heap_valley = middle_of(low);
        timing->depth = heights[low] / heights[peak];
    }
}

static int is_in_upper_heap(const sibeat_timing *timing, float score)
{
    if (isnan(timing->heap_valley) || score <= timing->heap_valley)
        return 0;
    return timing->depth <= DEEPER || timing->early_share <= MANY;
}

/* Whether intervals are of two lengths */

/* The difference of the 80 % and 20 % quantiles of what lies below the valley. */
static float spread_below(const float *counts, int valley)
{
    const float all = sum_of(counts, valley);
    float below = 0.0f;
    int first = 0, last = 0;

    for (int k = 0; k < valley; k++) {
        below += counts[k];
        first += below < 0.2f * all;
        last += below < 0.8f * all;
    }
    return (float)(last - first) * LENGTHS_STEP;
}

/* The interval between the two lengths, s; NAN if there are no two. */
static float find_lengths(const float *counts)
{
    float heights[SIBEAT_LENGTHS_BINS], upper[SIBEAT_LENGTHS_BINS];
    const float total = sum_of(counts, SIBEAT_LENGTHS_BINS);
    float lower = 0.0f, below = 0.0f, least = INFINITY;
    int lowest = 0;

    if (total < LEAST)
        return NAN;
    smooth(counts, SIBEAT_LENGTHS_BINS, LENGTHS_SMOOTH / LENGTHS_STEP, upper, heights); /* `upper` is set below */
    for (int k = SIBEAT_LENGTHS_BINS - 1; k >= 0; k--) {
        const float higher = k + 1 < SIBEAT_LENGTHS_BINS ? upper[k + 1] : 0.0f;
        upper[k] = heights[k] > higher ? heights[k] : higher;
    }
    for (int k = 0; k < SIBEAT_LENGTHS_BINS; k++) {
        below += counts[k] / total;
        lower = heights[k] > lower ? heights[k] : lower;
        const float lesser = lower < upper[k] ? lower : upper[k];
        const float depth = heights[k] / (lesser > 1e-12f ? lesser : 1e-12f);
        if (below > SHARE && below < 1.0f - SHARE && depth < least) {
            least = depth;
            lowest = k;
        }
    }
    if (least >= CLEFT || spread_below(counts, lowest) > LENGTHS_SCATTERED)
        return NAN;
    return expf(LENGTHS_LOWEST + ((float)lowest + 0.5f) * LENGTHS_STEP);
}

static void push_length(sibeat_timing *timing, float rr)
{
    count_in(timing->lengths, SIBEAT_LENGTHS_BINS, logf(rr), LENGTHS_LOWEST, LENGTHS_HIGHEST, LENGTHS_STEP);
    timing->length_valley = find_lengths(timing->lengths);
    if (isnan(timing->length_valley))
        return;
    const uint8_t is_short = rr < timing->length_valley;
    if (!is_short)
        sibeat_newest_push(&timing->longest, LONG, rr);
    const int turned = timing->was_short != NOT_KNOWN && is_short != timing->was_short;
    timing->turns += ((float)turned - timing->turns) / OVER;
    timing->was_short = is_short;
}

/* Whether an interval is half of the usual one, so that the usual one may have a beat dropped. */
static int is_half(float rr, float usual)
{
    return usual > DROPPED && fabsf(2.0f * rr / usual - 1.0f) < HALF;
}

static int is_flutter(float rr, float usual)
{
    return usual <= DROPPED && fabsf(2.0f * rr / usual - 1.0f) < FAST_HALF;
}

static int is_short(const sibeat_timing *timing, float interval)
{
    if (isnan(interval) || isnan(timing->length_valley) || timing->turns <= TURNS || !timing->longest.count)
        return 0;
    const float usual = sibeat_newest_median(&timing->longest);
    return interval < timing->length_valley && !is_half(interval, usual) && !is_flutter(interval, usual);
}

/* The rhythm */

void sibeat_timing_init(sibeat_timing *timing)
{
    memset(timing, 0, sizeof *timing);
    timing->heap_valley = timing->length_valley = timing->spread = NAN;
    timing->depth = 1.0f;
    timing->was_short = NOT_KNOWN;
}

int sibeat_timing_is_scattered(const sibeat_timing *timing)
{
    return timing->spread > SCATTERED; /* not where it is NAN */
}

int sibeat_timing_confirm(const sibeat_timing *timing, const sibeat_answer *answer)
{
    return answer->is_certain || (answer->is_fit && is_in_upper_heap(timing, answer->score)) ||
           is_short(timing, answer->interval);
}

/* The difference of the 80 % and 20 % quantiles of the logarithms; NAN if there are too few. */
static float spread_of(const sibeat_newest *intervals)
{
    float sorted[SIBEAT_NEWEST];
    const int count = sibeat_newest_read(intervals, 0, sorted);

    if (count < SETTLED)
        return NAN;
    sibeat_sort(sorted, count, sorted);
    return logf(sorted[4 * count / 5] / sorted[count / 5]);
}

/* The median interval of beats that are on time, or of all own ones at first; NAN if too few. */
static float usual_of(const sibeat_timing *timing)
{
    const sibeat_newest *known = timing->on_time.count >= FEWEST ? &timing->on_time : &timing->own;

    return known->count >= FEWEST ? sibeat_newest_median(known) : NAN;
}

/* Forget the intervals: another rate has begun, or what came between is not known. */
static void forget(sibeat_timing *timing)
{
    timing->pairs.count = timing->on_time.count = timing->own.count = timing->row.count = 0;
    timing->spread = NAN;
}

/* Whether the beat before is a beat indeed, and none that makes a pause. */
static int has_trusted_interval(const sibeat_timing *timing)
{
    return timing->has_before && timing->before.is_own && !timing->before.is_ventricular;
}

static void follow_row(sibeat_timing *timing, float rr, float early)
{
    if (early <= EARLY) {
        timing->row.count = 0;
        return;
    }
    timing->in_row = timing->row.count ? timing->in_row + 1 : 1;
    if (!timing->row.count)
        timing->onset = timing->early_share <= MOST_ROWS && timing->late_share <= LATE_SHARE ? early : 0.0f;
    sibeat_newest_push(&timing->row, SETTLED, rr);
}

static int is_in_fast_row(const sibeat_timing *timing)
{
    float sorted[SETTLED];

    if (timing->row.count < ROW || timing->onset <= ONSET)
        return 0;
    const float middle = sibeat_median(sorted, sibeat_newest_read(&timing->row, timing->row.count - ROW, sorted));
    return middle < FAST && sorted[ROW - 1] - sorted[0] < EVEN * middle;
}

int sibeat_timing_is_irregular(const sibeat_timing *timing)
{
    if (is_in_fast_row(timing))
        return 0;
    return sibeat_timing_is_scattered(timing) || (timing->early_share > FREQUENT && timing->depth > DEEPER);
}

static int is_abrupt(const sibeat_timing *timing, const sibeat_timed *beat, float usual)
{
    const float before = isnan(timing->before.rr) ? usual : timing->before.rr;

    if (!timing->was_premature && beat->rr >= (1.0f - ABRUPT) * before)
        return 0;
    if (isnan(beat->after) || beat->after >= (1.0f + FOLLOWS) * beat->rr)
        return 1;
    return beat->after < SHORT * usual && beat->rr < SHORT * usual;
}

static int is_among_regular(const sibeat_timing *timing, const sibeat_timed *beat, float early, float usual)
{
    const float least = SPREADS * timing->spread > EARLIER ? SPREADS * timing->spread : EARLIER;
    const float before = isnan(timing->before.rr) ? INFINITY : timing->before.rr;
    const float after = isnan(beat->after) ? INFINITY : beat->after;

    if (!(timing->spread < REGULAR) || early <= least || timing->early_share > MOST)
        return 0;
    const int behind_crowded = before + beat->rr < CROWDED * usual && !timing->was_premature;
    return beat->score > SCORE && !behind_crowded && beat->rr + after >= CROWDED * usual;
}

static sibeat_answer answer_of(sibeat_timing *timing, const sibeat_timed *beat)
{
    sibeat_answer answer = {0.0f, beat->score, NAN, 0, 0, 0, 0};
    const float usual = usual_of(timing);

    if (isnan(beat->rr) || isnan(usual)) {
        timing->row.count = 0;
        return answer;
    }
    const float early = 1.0f - beat->rr / usual;
    const int is_counted = beat->is_own && has_trusted_interval(timing);
    follow_row(timing, beat->rr, early);
    if (is_counted) {
        count_in(timing->heaps, SIBEAT_HEAPS_BINS, beat->score, HEAPS_LOWEST, HEAPS_HIGHEST, HEAPS_STEP);
        find_heaps(timing);
        push_length(timing, beat->rr);
    }
    if (!timing->has_before || !timing->before.is_ventricular)
        timing->early_share += ((float)(beat->is_own && early > EARLY) - timing->early_share) / SHARED;
    if (is_counted && !timing->was_early)
        timing->late_share += ((float)(early < -EARLY) - timing->late_share) / SHARED;
    const int begins =
        is_counted && beat->is_clean && is_abrupt(timing, beat, usual) && !is_half(beat->rr, usual);
    answer.early = early;
    answer.is_in_row = (uint8_t)is_in_fast_row(timing);
    answer.is_certain = answer.is_in_row || (begins && is_among_regular(timing, beat, early, usual));
    answer.is_fit =
        begins && early > LEAST_EARLY && (!sibeat_timing_is_scattered(timing) || timing->depth <= APART);
    answer.interval = is_counted && beat->is_clean ? beat->rr : NAN;
    answer.is_premature = (uint8_t)sibeat_timing_confirm(timing, &answer);
    return answer;
}

/* Take the intervals of the row for those of a new rate. */
static void take_row(sibeat_timing *timing)
{
    const sibeat_newest row = timing->row;

    forget(timing);
    timing->pairs = timing->on_time = row;
    timing->spread = spread_of(&row);
}

static void learn(sibeat_timing *timing, const sibeat_timed *beat, const sibeat_answer *answer)
{
    const int is_own = beat->is_own && !beat->is_ventricular, is_known = !isnan(beat->rr);
    const int is_normal = is_own && !answer->is_premature;
    const int is_above = beat->score > timing->heap_valley; /* not where that is NAN */

    if (is_known && is_own)
        sibeat_newest_push(&timing->own, USUAL, beat->rr);
    if (is_normal && is_known && answer->early < EARLY && !is_above) {
        if (timing->was_normal) {
            sibeat_newest_push(&timing->pairs, PAIRS, beat->rr);
            timing->spread = spread_of(&timing->pairs);
        }
        if (timing->was_normal || (!isnan(timing->heap_valley) && has_trusted_interval(timing)))
            sibeat_newest_push(&timing->on_time, USUAL, beat->rr);
    }
    timing->before = *beat;
    timing->has_before = 1;
    timing->was_normal = (uint8_t)is_normal;
    timing->was_premature = answer->is_premature;
    timing->was_early = answer->is_premature || answer->early > EARLY;
    if (timing->row.count == SETTLED && beat->is_own) {
        const float middle = sibeat_newest_median(&timing->row);
        if (!(timing->onset > ONSET && middle < FAST && timing->in_row < LONGEST))
            take_row(timing);
    }
}

sibeat_answer sibeat_timing_push(sibeat_timing *timing, const sibeat_timed *beat)
{
    if (beat && !isnan(beat->rr))
        timing->lost = 0;
    else if (timing->lost < LOST)
        timing->lost++;
    if (timing->lost >= LOST)
        forget(timing);
    if (!beat) {
        const sibeat_answer nothing = {0.0f, 0.0f, NAN, 0, 0, 0, 0};
        timing->has_before = timing->was_premature = timing->was_normal = 0;
        timing->row.count = 0;
        return nothing;
    }
    const sibeat_answer answer = answer_of(timing, beat);
    learn(timing, beat, &answer);
    return answer;
}
