/* SPDX-License-Identifier: MIT */
#include "sibeat_rpeaks.h"

#include <math.h>
#include <string.h>

/* As in sibeat_edge.signal.rpeaks, where each is explained. */
#define RATE 360
#define AVERAGE 36
#define T_WAVE 130
#define SEARCH 18
#define LEARNING 4
#define THRESHOLD 0.45f
#define SENSITIVE 0.42f
#define STEEP 0.65f
#define LOWERED 0.9f
#define LOUDEST 0.35f
#define SEARCH_BACK 1.5f
#define LOST 8
#define FEW 30
#define SHARP 0.75f
#define FAINT 0.0625f

/* Slopes are summed up as integers, in which nothing is rounded: in units of 2^-18 mV. */
#define UNITS 262144.0f
#define STEEPEST 29826161.0f /* units, of which 36 are less than 2^30 */
#define FLAT 108             /* sum of slopes up to which there is only a flat lead's rounding error */

#define MOST_SECONDS (LOST + 2)

typedef char sibeat_rpeaks_lead_is_held[SIBEAT_LEAD_HELD > SIBEAT_REFRACTORY + AVERAGE + 1 ? 1 : -1];

void sibeat_rpeaks_start(sibeat_rpeaks *rpeaks, int is_sensitive, void (*found)(void *context, uint32_t peak),
                         void *context)
{
    memset(rpeaks, 0, sizeof *rpeaks);
    rpeaks->is_sensitive = (uint8_t)is_sensitive;
    rpeaks->found = found;
    rpeaks->context = context;
}

static void level_push(sibeat_level *level, float value)
{
    if (level->count == SIBEAT_RECENT)
        memmove(level->values, level->values + 1, (size_t)--level->count * sizeof value);
    level->values[level->count++] = value;
}

static void level_remove(sibeat_level *level, float value)
{
    for (int k = 0; k < level->count; k++)
        if (level->values[k] == value) { /* the same number, as it was copied */
            level->count--;
            memmove(level->values + k, level->values + k + 1, (size_t)(level->count - k) * sizeof value);
            return;
        }
}

/* The median, of none 0. */
static float level_of(const float values[SIBEAT_RECENT], int count)
{
    float sorted[SIBEAT_RECENT];

    memcpy(sorted, values, sizeof sorted);
    return count ? sibeat_median(sorted, count) : 0.0f;
}

static float threshold_of(const sibeat_rpeaks *rpeaks)
{
    const float qrs = level_of(rpeaks->qrs.values, rpeaks->qrs.count);
    const float heard = level_of(rpeaks->noise.values, rpeaks->noise.count);
    const float noise = heard < LOUDEST * qrs ? heard : LOUDEST * qrs;

    return noise + (rpeaks->is_sensitive ? SENSITIVE : THRESHOLD) * (qrs - noise);
}

/* A positive number in 8 bits, from 2^-12 to 2^4, to a share of 2^-5; the order is kept. */
static uint8_t code_of(float number)
{
    const int32_t least = (127 - 12) * (1 << 23);
    int32_t bits;

    memcpy(&bits, &number, sizeof bits);
    bits = (bits - least + (1 << 18)) >> 19;
    return (uint8_t)(bits < 0 ? 0 : bits > UINT8_MAX ? UINT8_MAX : bits);
}

static float number_of(uint8_t code)
{
    const int32_t bits = ((int32_t)code << 19) + (127 - 12) * (1 << 23);
    float number;

    memcpy(&number, &bits, sizeof number);
    return number;
}

/* The number of that rank, from 0, among codes. */
static float ranked(const uint8_t *codes, int count, int rank)
{
    uint8_t code = 0;

    for (int bit = 7; bit >= 0; bit--) { /* the largest code with `rank` or fewer below it */
        const uint8_t tried = (uint8_t)(code | 1u << bit);
        int below = 0;
        for (int k = 0; k < count; k++)
            below += codes[k] < tried;
        if (below <= rank)
            code = tried;
    }
    return number_of(code);
}

static float usual(const sibeat_rpeaks *rpeaks, const uint8_t *codes)
{
    const int count = rpeaks->beats < SIBEAT_USUAL ? (int)rpeaks->beats : SIBEAT_USUAL;

    return (ranked(codes, count, (count - 1) / 2) + ranked(codes, count, count / 2)) / 2.0f;
}

static float sharpness_of(const sibeat_candidate *candidate)
{
    return candidate->slope / candidate->energy;
}

static void accept(sibeat_rpeaks *rpeaks, const sibeat_candidate *candidate)
{
    const sibeat_candidate beat = *candidate; /* which may be one of those that are moved below */
    const uint32_t place = rpeaks->beats++ % SIBEAT_USUAL;
    int kept = 0;

    if (rpeaks->has_last) {
        const uint32_t interval = beat.peak - rpeaks->last.peak;
        rpeaks->intervals[rpeaks->next_interval % SIBEAT_RECENT] =
            (uint16_t)(interval < UINT16_MAX ? interval : UINT16_MAX);
        rpeaks->next_interval++;
        if (rpeaks->next_interval == 2 * SIBEAT_RECENT)
            rpeaks->next_interval = SIBEAT_RECENT;
    }
    level_push(&rpeaks->qrs, beat.energy);
    rpeaks->slopes[place % SIBEAT_RECENT] = beat.slope;
    rpeaks->usual_energy[place] = code_of(beat.energy);
    rpeaks->usual_sharpness[place] = code_of(sharpness_of(&beat));
    rpeaks->last = beat;
    rpeaks->has_last = 1;
    rpeaks->known = beat.peak > rpeaks->known ? beat.peak : rpeaks->known;
    for (int k = 0; k < rpeaks->skipped_count; k++)
        if (rpeaks->skipped[k].peak > beat.peak)
            rpeaks->skipped[kept++] = rpeaks->skipped[k];
    rpeaks->skipped_count = (uint8_t)kept;
    rpeaks->found(rpeaks->context, beat.peak);
}

/* Signed, as a peak may lie before the last one. */
static int32_t behind_last(const sibeat_rpeaks *rpeaks, uint32_t peak)
{
    return (int32_t)(peak - rpeaks->last.peak);
}

/* Whether the next beat is overdue. */
static int is_late(const sibeat_rpeaks *rpeaks, uint32_t now)
{
    const int count = rpeaks->next_interval < SIBEAT_RECENT ? rpeaks->next_interval : SIBEAT_RECENT;
    float sum = 0.0f;

    for (int k = 0; k < count; k++)
        sum += rpeaks->intervals[k];
    return count && (float)behind_last(rpeaks, now) > SEARCH_BACK * (sum / (float)count);
}

static void search_back(sibeat_rpeaks *rpeaks, uint32_t now)
{
    while (is_late(rpeaks, now)) {
        const float least = threshold_of(rpeaks) / 2.0f;
        const sibeat_candidate *best = 0;
        for (int k = 0; k < rpeaks->skipped_count; k++) {
            const sibeat_candidate *one = &rpeaks->skipped[k];
            if (one->energy > least && behind_last(rpeaks, one->peak) > T_WAVE && (!best || one->energy > best->energy))
                best = one;
        }
        if (!best)
            return;
        level_remove(&rpeaks->noise, best->energy); /* a beat is no noise */
        accept(rpeaks, best);
    }
}

static int is_t_wave(const sibeat_rpeaks *rpeaks, const sibeat_candidate *candidate)
{
    return rpeaks->has_last && behind_last(rpeaks, candidate->peak) <= T_WAVE &&
           candidate->slope < rpeaks->last.slope / 2.0f;
}

/* Whether a sensitive detector takes the candidate for a QRS sooner. */
static int is_steep(const sibeat_rpeaks *rpeaks, const sibeat_candidate *candidate)
{
    return rpeaks->is_sensitive && rpeaks->beats >= SIBEAT_RECENT &&
           candidate->slope > STEEP * level_of(rpeaks->slopes, SIBEAT_RECENT);
}

static void skip(sibeat_rpeaks *rpeaks, const sibeat_candidate *candidate)
{
    if (rpeaks->skipped_count == SIBEAT_SKIPPED)
        memmove(rpeaks->skipped, rpeaks->skipped + 1, --rpeaks->skipped_count * sizeof *candidate);
    rpeaks->skipped[rpeaks->skipped_count++] = *candidate;
}

/* Judge a candidate by the levels; returns whether it is a beat. */
static int decide(sibeat_rpeaks *rpeaks, const sibeat_candidate *candidate)
{
    search_back(rpeaks, candidate->peak);
    const float least = threshold_of(rpeaks) * (is_steep(rpeaks, candidate) ? LOWERED : 1.0f);
    if (candidate->energy > least && !is_t_wave(rpeaks, candidate)) {
        accept(rpeaks, candidate);
        return 1;
    }
    level_push(&rpeaks->noise, candidate->energy);
    skip(rpeaks, candidate);
    return 0;
}

/* The candidates of the largest energy in each second; returns how many seconds have any. */
static int strongest_of(const sibeat_candidate *held, int count, sibeat_candidate strongest[MOST_SECONDS])
{
    int found = 0;

    for (int k = 0; k < count; k++) {
        int place = 0;
        while (place < found && strongest[place].peak / RATE != held[k].peak / RATE)
            place++;
        if (place == MOST_SECONDS)
            break;
        if (place == found || held[k].energy > strongest[place].energy)
            strongest[place] = held[k];
        found += place == found;
    }
    return found;
}

/*
 * Set the levels from the first `count` of the candidates that were skipped, then judge these. Those that are skipped
 * again are put where others have been read.
 */
static void learn(sibeat_rpeaks *rpeaks, int count)
{
    sibeat_candidate strongest[MOST_SECONDS];
    const int seconds = strongest_of(rpeaks->skipped, count, strongest);

    for (int k = 0; k < seconds; k++)
        level_push(&rpeaks->qrs, strongest[k].energy);
    if (!seconds)
        level_push(&rpeaks->qrs, 0.0f);
    rpeaks->skipped_count = 0;
    for (int k = 0; k < count; k++) {
        const sibeat_candidate candidate = rpeaks->skipped[k];
        decide(rpeaks, &candidate);
    }
}

/* Whether candidates may be beats: a heart that has stopped shows P waves and noise. */
static int are_usual(const sibeat_rpeaks *rpeaks, const sibeat_candidate *strongest, int count)
{
    float sharpness[MOST_SECONDS], energy[MOST_SECONDS];

    if (rpeaks->beats < FEW)
        return 1;
    for (int k = 0; k < count; k++) {
        sharpness[k] = sharpness_of(&strongest[k]);
        energy[k] = strongest[k].energy;
    }
    return !(sibeat_median(sharpness, count) < SHARP * usual(rpeaks, rpeaks->usual_sharpness)) &&
           !(sibeat_median(energy, count) < FAINT * usual(rpeaks, rpeaks->usual_energy));
}

/* Begin again with the candidates of the last seconds, if they may be beats. */
static void learn_anew(sibeat_rpeaks *rpeaks, uint32_t now)
{
    sibeat_candidate strongest[MOST_SECONDS];
    int first = 0;

    while (first < rpeaks->skipped_count && now - rpeaks->skipped[first].peak > LOST * RATE)
        first++;
    const int count = rpeaks->skipped_count - first;
    const int seconds = strongest_of(rpeaks->skipped + first, count, strongest);
    if (seconds < LOST || !are_usual(rpeaks, strongest, seconds))
        return;
    memmove(rpeaks->skipped, rpeaks->skipped + first, (size_t)count * sizeof *strongest);
    rpeaks->qrs.count = rpeaks->noise.count = 0;
    rpeaks->next_interval = 0;
    rpeaks->has_last = 0;
    rpeaks->known = now;
    learn(rpeaks, count);
}

static void judge(sibeat_rpeaks *rpeaks, const sibeat_candidate *candidate)
{
    if (!rpeaks->qrs.count) {
        if (candidate->peak < LEARNING * RATE) {
            skip(rpeaks, candidate);
            return;
        }
        learn(rpeaks, rpeaks->skipped_count);
    }
    if (!decide(rpeaks, candidate) && (int32_t)(candidate->peak - rpeaks->known) > LOST * RATE)
        learn_anew(rpeaks, candidate->peak);
}

static float lead_at(const sibeat_rpeaks *rpeaks, uint32_t number)
{
    return rpeaks->lead[number % SIBEAT_LEAD_HELD];
}

/* The slope that ends at a sample, in whole units. */
static int32_t slope_at(const sibeat_rpeaks *rpeaks, uint32_t number)
{
    const float slope = number ? fabsf(lead_at(rpeaks, number) - lead_at(rpeaks, number - 1)) * UNITS : 0.0f;

    return (int32_t)((slope < STEEPEST ? slope : STEEPEST) + 0.5f);
}

/* The candidate whose energy is highest at a sample. */
static sibeat_candidate candidate_at(const sibeat_rpeaks *rpeaks, uint32_t place)
{
    const uint32_t first = place > 2 * SEARCH ? place - 2 * SEARCH : 0;
    const uint32_t steep = place >= AVERAGE ? place - AVERAGE + 1 : 0;
    sibeat_candidate found = {first, rpeaks->highest, 0.0f};
    int32_t steepest = 0;

    for (uint32_t k = first + 1; k <= place; k++)
        if (lead_at(rpeaks, k) > lead_at(rpeaks, found.peak))
            found.peak = k;
    for (uint32_t k = steep; k <= place; k++)
        steepest = slope_at(rpeaks, k) > steepest ? slope_at(rpeaks, k) : steepest;
    found.slope = (float)steepest / UNITS;
    return found;
}

/* Whether none of the energies that are held, those before a sample, is above its own. */
static int is_highest(const sibeat_rpeaks *rpeaks, float energy)
{
    for (int k = 0; k < SIBEAT_REFRACTORY; k++)
        if (rpeaks->energy[k] > energy)
            return 0;
    return energy > 0.0f;
}

/*
 * Add the energy of the next sample. One is a peak if none is above it of SIBEAT_REFRACTORY before and as many behind
 * it: so it waits for these, unless a higher one comes. One as high is of the same plateau.
 */
static void push_energy(sibeat_rpeaks *rpeaks, float energy, uint32_t number)
{
    const int is_waiting = rpeaks->highest > 0.0f;

    if (is_waiting ? energy > rpeaks->highest : is_highest(rpeaks, energy)) {
        rpeaks->highest = energy;
        rpeaks->highest_at = number;
    }
    rpeaks->energy[number % SIBEAT_REFRACTORY] = energy;
    if (!(rpeaks->highest > 0.0f) || number != rpeaks->highest_at + SIBEAT_REFRACTORY)
        return;
    const sibeat_candidate candidate = candidate_at(rpeaks, rpeaks->highest_at);
    rpeaks->highest = 0.0f;
    judge(rpeaks, &candidate);
}

void sibeat_rpeaks_push(sibeat_rpeaks *rpeaks, float sample)
{
    const uint32_t number = rpeaks->seen++;

    if (number >= AVERAGE)
        rpeaks->sum -= slope_at(rpeaks, number - AVERAGE);
    rpeaks->lead[number % SIBEAT_LEAD_HELD] = sample;
    rpeaks->sum += slope_at(rpeaks, number);
    push_energy(rpeaks, rpeaks->sum > FLAT ? (float)rpeaks->sum / (AVERAGE * UNITS) : 0.0f, number);
}

void sibeat_rpeaks_finish(sibeat_rpeaks *rpeaks)
{
    for (uint32_t k = 0; k < SIBEAT_REFRACTORY; k++)
        push_energy(rpeaks, 0.0f, rpeaks->seen + k);
    if (!rpeaks->qrs.count)
        learn(rpeaks, rpeaks->skipped_count);
}
