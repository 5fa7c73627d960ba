/* SPDX-License-Identifier: MIT */
#include "sibeat_stream.h"

#include <math.h>
#include <string.h>

#include "sibeat_quality.h"

/* As in sibeat_edge.beats.stream and .alignment, where each is explained. */
#define RATE 360u
#define HELD 20u
#define KNOWS_WEARER (SIBEAT_RHYTHM_FEATURES != 0) /* else beats stand alone, and are cut where they are found */
#define REACH (KNOWS_WEARER ? 30 : 0)
#define PAUSE (11u * RATE) /* LOST + LONGEST seconds */
#define BRIDGE_PARTS 25    /* of a second */

#define LARGER(one, other) ((one) > (other) ? (one) : (other))
#define ROOM_BEFORE LARGER(SIBEAT_BEFORE + REACH, SIBEAT_ALIGN_BEFORE)
#define ROOM_AFTER LARGER(SIBEAT_AFTER + REACH, SIBEAT_ALIGN_AFTER)
#define MARGIN (SIBEAT_DELAY / 2) /* samples by which the filter spreads what is not fine */
#define ENDLESS UINT32_MAX
#define LARGEST 1e5f /* mV: a sample that is none, whose square may be no number */

static void found(void *context, uint32_t peak);

void sibeat_stream_start(sibeat_stream *stream, const sibeat_rate *rate, float gain, sibeat_aligner *aligner,
                         sibeat_stretch *stretch, const sibeat_sink *sink)
{
    const int longest = rate->hz / BRIDGE_PARTS > 1 ? rate->hz / BRIDGE_PARTS : 1;

    memset(stream, 0, sizeof *stream);
    stream->sink = *sink;
    stream->aligner = aligner;
    stream->stretch = stretch;
    stream->rate = rate;
    stream->gain = gain;
    stream->total = ENDLESS;
    sibeat_stretch_start(stretch);
    sibeat_fill_start(&stream->fill, longest);
    sibeat_rpeaks_start(&stream->rpeaks, KNOWS_WEARER, found, stream);
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        sibeat_contact_start(&stream->contact[lead], rate->hz, longest);
        sibeat_resampler_start(&stream->resampler[lead], rate);
        sibeat_slow_start(&stream->slow[lead]);
    }
}

/* Samples of the device before a tick, all of them or, with `spare` RATE - 1, those that begin before it. */
static uint32_t samples_before(const sibeat_stream *stream, int32_t tick, uint32_t spare)
{
    if (tick <= 0)
        return 0;
    return (uint32_t)(((uint64_t)tick * stream->rate->hz + spare) / RATE);
}

static sibeat_flag worst_flag(const sibeat_stream *stream, int32_t first, int32_t last)
{
    const uint32_t begin = samples_before(stream, first, 0), end = samples_before(stream, last, RATE - 1);
    sibeat_flag worst = SIBEAT_SAMPLE_FINE;

    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        const sibeat_flag flag = sibeat_contact_worst(&stream->contact[lead], begin, end);
        worst = flag > worst ? flag : worst;
    }
    return worst;
}

/* Whether the samples before a tick have their flags. */
static int are_flagged(const sibeat_stream *stream, uint32_t last)
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        if ((uint64_t)sibeat_contact_certain(&stream->contact[lead]) * RATE < (uint64_t)last * stream->rate->hz)
            return 0;
    return 1;
}

/* Whether the signal between two ticks is not known throughout, or too long to be still held. */
static int has_gap(const sibeat_stream *stream, uint32_t first, uint32_t last)
{
    return last > first + HELD * RATE || worst_flag(stream, (int32_t)first, (int32_t)last) > SIBEAT_SAMPLE_BRIDGED;
}

/* Number of samples of the windows' leads that are there. */
static uint32_t filtered_end(const sibeat_stream *stream)
{
    const uint32_t end = sibeat_ring_end(&stream->ring[0]);

    return end < stream->total ? end : stream->total;
}

static void wait(sibeat_stream *stream, uint32_t peak, int is_late, int is_pause)
{
    if (stream->waiting_count == SIBEAT_WAITING)
        return; /* never: there are fewer, as two R-peaks are 72 samples apart */
    const int place = (stream->first_waiting + stream->waiting_count++) % SIBEAT_WAITING;
    stream->waiting[place].peak = peak & 0x3fffffffu;
    stream->waiting[place].is_late = (unsigned)is_late & 1u;
    stream->waiting[place].is_pause = (unsigned)is_pause & 1u;
}

static void go_on(sibeat_stream *stream)
{
    stream->first_waiting = (uint8_t)((stream->first_waiting + 1) % SIBEAT_WAITING);
    stream->waiting_count--;
}

/* A pause, if there was one at the end of a second up to this tick. */
static void tell_pause(sibeat_stream *stream, uint32_t at)
{
    const uint32_t second = at / RATE;

    if (second > stream->second && stream->has_newest && second * RATE > stream->newest + PAUSE) {
        wait(stream, 0, 0, 1);
        stream->has_newest = 0;
    }
    stream->second = second;
}

/* Let an R-peak wait for its window. */
static void found(void *context, uint32_t peak)
{
    sibeat_stream *stream = context;
    const uint32_t at = stream->judged;
    const int32_t oldest = ((int32_t)(at / RATE) - (int32_t)HELD) * (int32_t)RATE;

    tell_pause(stream, at);
    wait(stream, peak, (int32_t)peak - ROOM_BEFORE < oldest, 0);
    stream->newest = peak;
    stream->has_newest = KNOWS_WEARER; /* else no beat waits for the next one, and pauses are not told */
}

/* Read so many samples of the first leads, from `first` on. */
static void read(const sibeat_stream *stream, uint32_t first, int count, int leads, float *samples)
{
    for (int lead = 0; lead < leads; lead++) {
        const float offset = stream->base[lead] * stream->gain * SIBEAT_WINDOW_OFFSET;
        sibeat_ring_read(&stream->ring[lead], first, count, samples + lead, leads);
        for (int k = 0; k < count; k++)
            samples[k * leads + lead] += offset;
    }
}

void sibeat_stream_read(const sibeat_stream *stream, uint32_t peak, float *window)
{
    read(stream, peak - SIBEAT_BEFORE, SIBEAT_LENGTH, SIBEAT_LEADS, window);
}

/* Move an R-peak to where its beat is most like those before; one in an unknown signal stays. */
static int placed(sibeat_stream *stream, uint32_t peak, int is_late, float *likeness)
{
    const int32_t first = (int32_t)peak - SIBEAT_ALIGN_BEFORE, last = (int32_t)peak + SIBEAT_ALIGN_AFTER;
    const int is_there = !is_late && first >= 0 && last <= (int32_t)filtered_end(stream);

    if (!is_there || worst_flag(stream, first, last) > SIBEAT_SAMPLE_BRIDGED)
        return sibeat_aligner_push(stream->aligner, 0, 1, likeness);
    read(stream, (uint32_t)first, SIBEAT_ALIGN_BEFORE + SIBEAT_ALIGN_AFTER, 1, stream->sink.room);
    return sibeat_aligner_push(stream->aligner, stream->sink.room, 1, likeness);
}

static sibeat_reason reason_of(sibeat_flag flag)
{
    switch (flag) {
    case SIBEAT_SAMPLE_MISSING:
        return SIBEAT_REASON_MISSING;
    case SIBEAT_SAMPLE_FLAT:
        return SIBEAT_REASON_FLAT;
    case SIBEAT_SAMPLE_SATURATED:
        return SIBEAT_REASON_SATURATED;
    default:
        return SIBEAT_REASON_NONE;
    }
}

static sibeat_reason noise_of(float *window, sibeat_fitness stretch, int *is_scored)
{
    static const sibeat_reason reasons[] = {SIBEAT_REASON_NONE, SIBEAT_REASON_FLAT, SIBEAT_REASON_NOISY,
                                            SIBEAT_REASON_MOTION};

    return reasons[sibeat_quality_of(window, stretch, is_scored)];
}

static void cut(sibeat_stream *stream, uint32_t peak, int is_late)
{
    float *window = stream->sink.room;
    sibeat_cut beat = {peak, NAN, NAN, NAN, SIBEAT_REASON_EDGE, 0, 0};
    int is_scored = 0;

    const int moves = placed(stream, peak, is_late, &beat.likeness), offset = KNOWS_WEARER ? moves : 0;
    const int32_t moved = (int32_t)peak + offset, first = moved - SIBEAT_BEFORE, last = moved + SIBEAT_AFTER;
    if (KNOWS_WEARER && stream->has_previous && moved - (int32_t)stream->previous < SIBEAT_APART)
        return; /* of one beat, found twice */
    beat.peak = (uint32_t)moved;
    const sibeat_fitness stretch = sibeat_stretch_push(stream->stretch, beat.likeness, &beat.snr);
    if (stream->has_previous && !is_late && !has_gap(stream, stream->previous, beat.peak))
        beat.rr = (float)(beat.peak - stream->previous) / (float)RATE;
    stream->previous = beat.peak;
    stream->has_previous = 1;
    if (!is_late && first >= 0 && last <= (int32_t)filtered_end(stream)) {
        const sibeat_flag flag = worst_flag(stream, first - MARGIN, last + MARGIN);
        beat.is_bridged = flag == SIBEAT_SAMPLE_BRIDGED;
        beat.reason = reason_of(flag);
        if (beat.reason == SIBEAT_REASON_NONE) {
            sibeat_stream_read(stream, beat.peak, window);
            beat.reason = noise_of(window, stretch, &is_scored);
        }
        if (is_scored) {
            sibeat_stream_read(stream, beat.peak, window); /* again: it was spoilt */
            beat.window = window;
        }
    }
    stream->sink.beat(stream->sink.context, &beat);
}

/* Cut the beats and pauses for which the signal, and the flags of its samples, are there. */
static void cut_waiting(sibeat_stream *stream, int at_end)
{
    for (; stream->waiting_count; go_on(stream)) {
        const uint32_t peak = stream->waiting[stream->first_waiting].peak;
        const int is_late = stream->waiting[stream->first_waiting].is_late;
        const int is_pause = stream->waiting[stream->first_waiting].is_pause;
        const uint32_t end = is_pause ? stream->previous + PAUSE : peak + ROOM_AFTER;
        if (is_pause) {
            if (!at_end && !are_flagged(stream, end))
                return;
            stream->sink.pause(stream->sink.context, !has_gap(stream, stream->previous, end));
        } else {
            if (!at_end && !(filtered_end(stream) >= end && are_flagged(stream, end + MARGIN)))
                return;
            cut(stream, peak, is_late);
        }
    }
}

/* The detector's samples that a slow one makes certain. */
static void detect(sibeat_stream *stream)
{
    const uint32_t first = SIBEAT_SLOW_AROUND - 1; /* of the slow samples, the last around the first sample */

    memmove(stream->around, stream->around + 1, (SIBEAT_SLOW_AROUND - 1) * sizeof *stream->around);
    stream->around[SIBEAT_SLOW_AROUND - 1] =
        sibeat_slow_filtered(&stream->slow[0], sibeat_detector_taps, SIBEAT_DETECTOR_HALF);
    if (stream->detected++ < first)
        return;
    const int before = (SIBEAT_BANK_HALF - 1) % SIBEAT_DECIMATION; /* of the first ones, those before the signal */
    for (int part = stream->detected == first + 1 ? before : 0; part < SIBEAT_DECIMATION; part++)
        if (stream->judged < stream->total) {
            sibeat_rpeaks_push(&stream->rpeaks, sibeat_slow_between(stream->around, part));
            tell_pause(stream, ++stream->judged);
        }
}

/* Add a sample at 360 Hz. */
static void filter(sibeat_stream *stream)
{
    int is_made = 0;

    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        sibeat_slow *slow = &stream->slow[lead];
        is_made = sibeat_slow_push(slow, stream->even[lead]);
        if (is_made && slow->made >= SIBEAT_WINDOW_HALF)
            sibeat_ring_push(&stream->ring[lead], sibeat_slow_filtered(slow, sibeat_window_taps, SIBEAT_WINDOW_HALF));
    }
    if (!is_made)
        return;
    if (stream->slow[0].made >= SIBEAT_DETECTOR_HALF)
        detect(stream);
    cut_waiting(stream, 0);
}

/* Add a sample without gaps, less the first one, mV. */
static void resample(sibeat_stream *stream, const float sample[SIBEAT_LEADS])
{
    for (int lead = 0; lead < SIBEAT_LEADS; lead++)
        sibeat_resampler_push(&stream->resampler[lead], sample[lead]);
    while (stream->evened < stream->total) {
        int is_there = 0;
        for (int lead = 0; lead < SIBEAT_LEADS; lead++)
            is_there = sibeat_resampler_take(&stream->resampler[lead], &stream->even[lead]);
        if (!is_there)
            return;
        stream->evened++;
        filter(stream);
    }
}

/* Take the samples in which no gap is open any more. Returns the last one, less the first and in mV. */
static void fill(sibeat_stream *stream)
{
    float filled[SIBEAT_LEADS];

    while (sibeat_fill_take(&stream->fill, filled)) {
        if (!stream->has_base)
            memcpy(stream->base, filled, sizeof stream->base);
        stream->has_base = 1;
        stream->filled++;
        for (int lead = 0; lead < SIBEAT_LEADS; lead++)
            filled[lead] = (filled[lead] - stream->base[lead]) * stream->gain;
        resample(stream, filled);
    }
}

void sibeat_stream_push(sibeat_stream *stream, const float sample[SIBEAT_LEADS])
{
    const uint32_t behind = (HELD + HELD + 2) * stream->rate->hz; /* that the flags are needed for, at most */
    const uint32_t needed = stream->seen > behind ? stream->seen - behind : 0;
    float known[SIBEAT_LEADS];

    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        known[lead] = fabsf(sample[lead] * stream->gain) < LARGEST ? sample[lead] : NAN; /* where it is NAN, too */
        sibeat_contact_push(&stream->contact[lead], known[lead], needed);
    }
    stream->seen++;
    sibeat_fill_push(&stream->fill, known);
    fill(stream);
}

void sibeat_stream_finish(sibeat_stream *stream)
{
    float last[SIBEAT_LEADS];

    if (!stream->seen)
        return;
    sibeat_fill_finish(&stream->fill);
    fill(stream);
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
        sibeat_contact_finish(&stream->contact[lead]);
        last[lead] = (stream->fill.last[lead] - stream->base[lead]) * stream->gain;
    }
    stream->total = (uint32_t)(((uint64_t)stream->seen * stream->rate->up + stream->rate->down - 1u) / stream->rate->down);
    while (stream->evened < stream->total) /* the signal goes on with its last sample */
        resample(stream, last);
    while (stream->judged < stream->total)
        filter(stream);
    sibeat_rpeaks_finish(&stream->rpeaks);
    while (filtered_end(stream) < stream->total)
        filter(stream);
    cut_waiting(stream, 1);
}
