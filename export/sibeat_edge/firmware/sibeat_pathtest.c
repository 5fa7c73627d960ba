/* SPDX-License-Identifier: MIT */
#include "sibeat_pathtest.h"

#if SIBEAT_RHYTHM_FEATURES

#include <math.h>
#include <string.h>

#include "sibeat_golden_path.h"

#define FAR 5e-4f /* mV */
#define ON_A_LEVEL 1.5f
#define AWAY 4 /* levels: windows of the warm-up are packed here, and are not in sibeat_edge */

/* The signal as it is made, sample by sample. */
typedef struct {
    uint32_t place, random;
    uint32_t peak; /* of the oldest beat that goes on or is to come */
    int beat;
} maker;

/* What has been told, and the first stage that differs. */
typedef struct {
    int64_t time;
    uint32_t told;
    sibeat_path_health peaks, scores, templates, kinds;
} listener;

static void begin(maker *made)
{
    memset(made, 0, sizeof *made);
    made->random = 1;
    made->peak = sibeat_golden_intervals[0];
}

/* What a beat adds to a sample. */
static int of_beat(const maker *made, int beat, uint32_t peak)
{
    const int32_t at = (int32_t)(made->place - peak) + SIBEAT_GOLDEN_SHAPE_PEAK;

    return at >= 0 && at < SIBEAT_GOLDEN_SHAPE ? sibeat_golden_shapes[sibeat_golden_odd[beat]][at] : 0;
}

static int16_t next(maker *made)
{
    uint32_t peak = made->peak;
    int sum = 0;

    for (int beat = made->beat; beat < SIBEAT_GOLDEN_PLANNED && beat < made->beat + 3; beat++) {
        sum += of_beat(made, beat, peak);
        peak += beat + 1 < SIBEAT_GOLDEN_PLANNED ? sibeat_golden_intervals[beat + 1] : 0;
    }
    made->random = 1664525u * made->random + 1013904223u;
    sum += (int)((made->random >> 16) % (2 * SIBEAT_GOLDEN_HISS + 1)) - SIBEAT_GOLDEN_HISS;
    made->place++;
    if (made->beat + 1 < SIBEAT_GOLDEN_PLANNED &&
        made->place >= made->peak + SIBEAT_GOLDEN_SHAPE - SIBEAT_GOLDEN_SHAPE_PEAK)
        made->peak += sibeat_golden_intervals[++made->beat];
    return (int16_t)sum;
}

/* Halved, rounded down, whatever the compiler makes of the shift of a negative number. */
static int16_t halved(int16_t value)
{
    return (int16_t)(value < 0 ? -((1 - value) / 2) : value / 2);
}

/* The band-pass of the windows alone, in the memory of a context's stream. */
static sibeat_path_health check_filter(sibeat_stream *stream)
{
    sibeat_slow *slow = &stream->slow[0];
    sibeat_ring *ring = &stream->ring[0];
    uint32_t place = SIBEAT_GOLDEN_FILTERED_FIRST;
    maker made;
    int16_t first = 0;

    begin(&made);
    memset(ring, 0, sizeof *ring);
    sibeat_slow_start(slow);
    for (int k = 0; k < SIBEAT_GOLDEN_FILTERED; place += SIBEAT_GOLDEN_FILTERED_STEP, k++) {
        float filtered;
        while (sibeat_ring_end(ring) <= place) {
            const int16_t sample = next(&made);
            first = made.place == 1 ? sample : first;
            if (sibeat_slow_push(slow, (float)(sample - first) * SIBEAT_GOLDEN_UNIT) && slow->made >= SIBEAT_WINDOW_HALF)
                sibeat_ring_push(ring, sibeat_slow_filtered(slow, sibeat_window_taps, SIBEAT_WINDOW_HALF));
        }
        sibeat_ring_read(ring, place, 1, &filtered, 1);
        filtered += (float)first * SIBEAT_GOLDEN_UNIT * SIBEAT_WINDOW_OFFSET;
        if (!(fabsf(filtered - sibeat_golden_filtered[k]) < FAR))
            return SIBEAT_PATH_FILTER;
    }
    return SIBEAT_PATH_HEALTHY;
}

static void on_beat(void *context, const sibeat_scored *beat)
{
    listener *heard = context;
    const uint32_t number = heard->told < SIBEAT_GOLDEN_TOLD ? heard->told : 0;
    const sibeat_golden_beat *wanted = &sibeat_golden_told[number];
    const float timing = beat->timing / SIBEAT_SCORE_SCALE + (float)SIBEAT_SCORE_ZERO_POINT;
    const int away = beat->level - wanted->level;

    if (heard->told++ >= SIBEAT_GOLDEN_TOLD || beat->time - heard->time != wanted->after) {
        heard->peaks = SIBEAT_PATH_PEAKS;
        return;
    }
    heard->time = beat->time;
    if (beat->has_score != (wanted->kind != '-') || (beat->has_score && (away > AWAY || away < -AWAY)))
        heard->scores = SIBEAT_PATH_SCORES;
    if (beat->has_score && !(fabsf(timing - (float)wanted->timing) < ON_A_LEVEL))
        heard->templates = SIBEAT_PATH_TEMPLATE;
    if (beat->has_score && beat->kind != wanted->kind)
        heard->kinds = SIBEAT_PATH_KINDS;
}

sibeat_path_health sibeat_pathtest(sibeat_context *context, int8_t (*score)(void *context, const int8_t *input))
{
    listener heard = {0, 0, SIBEAT_PATH_HEALTHY, SIBEAT_PATH_HEALTHY, SIBEAT_PATH_HEALTHY, SIBEAT_PATH_HEALTHY};
    const sibeat_callbacks calls = {on_beat, 0, 0, 0, &heard};
    const sibeat_config config = {SIBEAT_API_VERSION, SIBEAT_RATE_HZ, SIBEAT_GOLDEN_UNIT, 0, calls, score};
    const sibeat_path_health filter = check_filter(&context->stream);
    maker made;

    if (filter != SIBEAT_PATH_HEALTHY || sibeat_init(context, &config) != SIBEAT_OK)
        return SIBEAT_PATH_FILTER;
    begin(&made);
    for (uint32_t k = 0; k < SIBEAT_GOLDEN_SAMPLES; k++) {
        int16_t sample[SIBEAT_LEADS];
        sample[0] = next(&made);
        for (int lead = 1; lead < SIBEAT_LEADS; lead++)
            sample[lead] = halved(sample[lead - 1]);
        sibeat_push_i16(context, sample, 1);
    }
    sibeat_finish(context);
    if (heard.peaks != SIBEAT_PATH_HEALTHY || heard.told != SIBEAT_GOLDEN_TOLD)
        return SIBEAT_PATH_PEAKS;
    if (heard.scores != SIBEAT_PATH_HEALTHY)
        return heard.scores;
    return heard.templates != SIBEAT_PATH_HEALTHY ? heard.templates : heard.kinds;
}

#endif
