/* SPDX-License-Identifier: MIT */
#include "sibeat.h"

#if SIBEAT_RHYTHM_FEATURES

#include <math.h>
#include <string.h>

#define MAGIC 0x51BEA700u
#define TICKS 360
#define SECOND 1000000   /* microseconds */
#define MINUTE 60u
#define GAP (SECOND / 20) /* by which the clock has jumped, as in sibeat_edge.scorer */
#define STREAM_MOST_TICKS 0x3fff0000u

/* Of a beat's note. */
#define REASONS 7u
#define BRIDGED 8u
#define SNR_SHIFT 4
#define SNR_PARTS 51.0f  /* of a dB */
#define SNR_OFFSET 27.0f /* dB: there is no ratio below -26.6 */

#define PACE 100 /* steps a second of what is left to do, */
#define HURRY 2  /* and one with each sample where so many beats wait for it */

static const char kinds[] = {0, 'N', 'S', 'V'};

#ifdef SIBEAT_TFLM
static int8_t score(void *given, const int8_t *input)
{
    sibeat_context *context = given;

    return context->config.score(context->config.calls.context, input);
}
#else
static int8_t score(void *given, const int8_t *input)
{
    sibeat_context *context = given;
    int8_t found = 0;

    if (context->config.score)
        return context->config.score(context->config.calls.context, input);
    sibeat_net_run(input, input + SIBEAT_WINDOW_BYTES, &found, context->memory.model + SIBEAT_INPUT_BYTES);
    return found;
}
#endif

static unsigned code_of(char kind)
{
    for (unsigned code = 1; code < sizeof kinds; code++)
        if (kinds[code] == kind)
            return code;
    return 0;
}

static void keep_kind(sibeat_context *context, uint32_t number, char kind)
{
    const uint32_t place = number % SIBEAT_UNSETTLED;
    const unsigned shift = 2 * (place % 4), others = 0xffu & ~(3u << shift);

    context->kinds[place / 4] = (uint8_t)((context->kinds[place / 4] & others) | code_of(kind) << shift);
}

static char kept_kind(const sibeat_context *context, uint32_t number)
{
    const uint32_t place = number % SIBEAT_UNSETTLED;

    return kinds[context->kinds[place / 4] >> (2 * (place % 4)) & 3u];
}

static uint8_t is_alarm(char kind)
{
    return kind == 'S' || kind == 'V';
}

static uint8_t why_of(const sibeat_verdict *verdict)
{
    return (uint8_t)((verdict->by_shape ? SIBEAT_WHY_SHAPE : 0) | (verdict->by_timing ? SIBEAT_WHY_TIMING : 0));
}

/* What the monitor only hands on: reason, whether it is bridged, and the signal-to-noise ratio, 0 if not known. */
static uint16_t note_of(const sibeat_cut *found)
{
    const float code = (found->snr + SNR_OFFSET) * SNR_PARTS;
    const unsigned most = UINT16_MAX >> SNR_SHIFT, snr = code > 1.0f ? (unsigned)code : 1u; /* 1 where it is NAN */

    return (uint16_t)((isnan(found->snr) ? 0u : snr < most ? snr : most) << SNR_SHIFT |
                      (found->is_bridged ? BRIDGED : 0u) | (unsigned)found->reason);
}

static float snr_of(unsigned note)
{
    const unsigned code = note >> SNR_SHIFT;
    const float snr = ((float)code + 0.5f) / SNR_PARTS - SNR_OFFSET;

    return snr + (code ? 0.0f : NAN); /* GCC 12 has no way to convert under a condition on a Cortex-M55 */
}

static void judged(void *given, const sibeat_outcome *outcome)
{
    sibeat_context *context = given;
    const unsigned note = outcome->note, reason = note & REASONS;
    sibeat_scored beat = {outcome->time, context->told, outcome->rr, snr_of(note), NAN, NAN, NAN, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    if (outcome->has_score) {
        beat.level = outcome->score;
        beat.score = (float)(outcome->score - SIBEAT_SCORE_ZERO_POINT) * SIBEAT_SCORE_SCALE;
        beat.timing = outcome->timing_score * SIBEAT_THRESHOLD;
        beat.shape = outcome->shape_score * SIBEAT_THRESHOLD;
        beat.has_score = 1;
    } else {
        beat.reason = (uint8_t)(reason ? reason : SIBEAT_REASON_WARM_UP);
    }
    beat.group = outcome->verdict.group;
    beat.kind = outcome->verdict.kind;
    beat.alarm = is_alarm(beat.kind);
    beat.above = outcome->is_above;
    beat.why = why_of(&outcome->verdict);
    beat.bridged = (note & BRIDGED) != 0;
    beat.irregular = outcome->verdict.is_irregular;
    keep_kind(context, context->told++, beat.kind);
    if (context->config.calls.beat)
        context->config.calls.beat(context->config.calls.context, &beat);
}

static void settled(void *given, uint32_t number, const sibeat_verdict *verdict)
{
    sibeat_context *context = given;
    const sibeat_revision revision = {number, verdict->kind, is_alarm(verdict->kind), why_of(verdict)};

    if (verdict->kind != kept_kind(context, number) && context->config.calls.revised)
        context->config.calls.revised(context->config.calls.context, &revision);
}

static void episode(void *given, const sibeat_episode *found)
{
    const sibeat_callbacks *calls = &((sibeat_context *)given)->config.calls;

    if (calls->episode)
        calls->episode(calls->context, found);
}

static void alarm(void *given, const sibeat_episode *found)
{
    const sibeat_callbacks *calls = &((sibeat_context *)given)->config.calls;

    if (calls->alarm)
        calls->alarm(calls->context, found);
}

static void cut(void *given, const sibeat_cut *found)
{
    sibeat_context *context = given;
    const sibeat_beat beat = {context->start + found->peak,           found->rr,    found->likeness, note_of(found),
                              found->reason == SIBEAT_REASON_NONE, found->window};

    sibeat_monitor_push(&context->monitor, &beat);
}

/* The window of a beat that has been cut. */
static void read(void *given, int64_t time, float *window)
{
    const sibeat_context *context = given;

    sibeat_stream_read(&context->stream, (uint32_t)(time - context->start), window);
}

static void paused(void *given, int is_known)
{
    sibeat_monitor_pause(&((sibeat_context *)given)->monitor, is_known);
}

/* The next sample's time by those that have been pushed, microseconds. */
static int64_t expected(const sibeat_context *context)
{
    return context->clock + (int64_t)context->since * SECOND / context->config.rate;
}

/* The time at which the stream ends that has been pushed, microseconds. */
static int64_t end_of(const sibeat_context *context)
{
    return context->begun + (int64_t)context->stream.seen * SECOND / context->config.rate;
}

/* Begin a stream at a time on the device's clock. */
static void start(sibeat_context *context, int64_t microseconds)
{
    const sibeat_sink sink = {cut, paused, context, context->memory.room.window};
    const int64_t seconds = microseconds / SECOND, rest = microseconds % SECOND;

    context->clock = context->begun = microseconds;
    context->since = 0;
    context->start = seconds * TICKS + (rest * TICKS + (rest < 0 ? -SECOND : SECOND) / 2) / SECOND;
    sibeat_stream_start(&context->stream, sibeat_rate_of(context->config.rate), context->config.gain,
                        &context->monitor.aligner, &context->monitor.stretch, &sink);
}

/* The stream breaks off, and goes on at another time. */
static void break_off(sibeat_context *context, int64_t microseconds)
{
    sibeat_stream_finish(&context->stream);
    sibeat_monitor_interrupt(&context->monitor);
    start(context, microseconds);
}

sibeat_error sibeat_init(sibeat_context *context, const sibeat_config *config)
{
    if (!context || !config)
        return SIBEAT_NULL_ARGUMENT;
    if (config->version != SIBEAT_API_VERSION)
        return SIBEAT_OTHER_VERSION;
    if (!sibeat_rate_of(config->rate))
        return SIBEAT_UNSUPPORTED_RATE;
    if (!isfinite(config->gain) || config->gain == 0.0f)
        return SIBEAT_WRONG_GAIN;
#ifdef SIBEAT_TFLM
    if (!config->score)
        return SIBEAT_NULL_ARGUMENT;
#endif
    const sibeat_calls calls = {score, read, judged, settled, episode, alarm, context, &context->memory.room};
    memset(context, 0, sizeof *context);
    context->config = *config;
    sibeat_monitor_init(&context->monitor, &calls);
    start(context, config->start);
    context->magic = MAGIC;
    return SIBEAT_OK;
}

static sibeat_error check(const sibeat_context *context)
{
    if (!context)
        return SIBEAT_NULL_ARGUMENT;
    return context->magic == MAGIC ? SIBEAT_OK : SIBEAT_NOT_INITIALISED;
}

static sibeat_error check_samples(const sibeat_context *context, const void *samples, size_t count)
{
    const sibeat_error error = check(context);

    if (error != SIBEAT_OK)
        return error;
    if (!samples)
        return SIBEAT_NULL_ARGUMENT;
    return count ? SIBEAT_OK : SIBEAT_NO_SAMPLES;
}

static void push(sibeat_context *context, const float sample[SIBEAT_LEADS])
{
    const sibeat_stream *stream = &context->stream;

    if (stream->seen >= SIBEAT_STREAM_MOST || stream->evened >= STREAM_MOST_TICKS) /* its counters are full */
        break_off(context, end_of(context));
    sibeat_stream_push(&context->stream, sample);
    context->since++;
    if (context->since == MINUTE * context->config.rate) { /* whole seconds, in which nothing is rounded */
        context->clock += (int64_t)MINUTE * SECOND;
        context->since = 0;
    }
    const int hurries = context->config.rate < PACE || context->monitor.wearer.queued >= HURRY;
    const uint32_t pace = hurries ? 1 : context->config.rate / PACE;
    if (context->since % pace == 0)
        sibeat_monitor_work(&context->monitor);
}

sibeat_error sibeat_push_i16(sibeat_context *context, const int16_t *samples, size_t count)
{
    const sibeat_error error = check_samples(context, samples, count);

    for (size_t k = 0; error == SIBEAT_OK && k < count; k++, samples += SIBEAT_LEADS) {
        float sample[SIBEAT_LEADS];
        for (int lead = 0; lead < SIBEAT_LEADS; lead++)
            sample[lead] = samples[lead] == INT16_MIN ? NAN : (float)samples[lead];
        push(context, sample);
    }
    return error;
}

sibeat_error sibeat_push_i32(sibeat_context *context, const int32_t *samples, size_t count)
{
    const sibeat_error error = check_samples(context, samples, count);

    for (size_t k = 0; error == SIBEAT_OK && k < count; k++, samples += SIBEAT_LEADS) {
        float sample[SIBEAT_LEADS];
        for (int lead = 0; lead < SIBEAT_LEADS; lead++)
            sample[lead] = samples[lead] == INT32_MIN ? NAN : (float)samples[lead];
        push(context, sample);
    }
    return error;
}

sibeat_error sibeat_push_f32(sibeat_context *context, const float *samples, size_t count)
{
    const sibeat_error error = check_samples(context, samples, count);

    for (size_t k = 0; error == SIBEAT_OK && k < count; k++, samples += SIBEAT_LEADS)
        push(context, samples);
    return error;
}

sibeat_error sibeat_clock(sibeat_context *context, int64_t microseconds)
{
    const sibeat_error error = check(context);

    if (error != SIBEAT_OK)
        return error;
    const int64_t jump = microseconds - expected(context);
    if (jump < -GAP)
        return SIBEAT_TIME_RUNS_BACK;
    if (!context->stream.seen) {
        start(context, microseconds);
    } else if (jump > GAP) {
        break_off(context, microseconds);
    } else {
        context->clock = microseconds;
        context->since = 0;
    }
    return SIBEAT_OK;
}

sibeat_error sibeat_finish(sibeat_context *context)
{
    const sibeat_error error = check(context);

    if (error != SIBEAT_OK)
        return error;
    sibeat_stream_finish(&context->stream);
    sibeat_monitor_finish(&context->monitor);
    start(context, end_of(context));
    return SIBEAT_OK;
}

#define PARTS 3

static void list_parts(sibeat_context *context, sibeat_part parts[PARTS])
{
    const sibeat_part listed[PARTS] = {
        {&context->told, sizeof context->told},
        {context->kinds, sizeof context->kinds},
        sibeat_monitor_part(&context->monitor),
    };

    memcpy(parts, listed, sizeof listed);
}

size_t sibeat_saved_bytes(void)
{
    return SIBEAT_MONITOR_IMAGE_BYTES + sizeof(((sibeat_context *)0)->told) + sizeof(((sibeat_context *)0)->kinds);
}

size_t sibeat_save(sibeat_context *context, void *image, size_t room)
{
    sibeat_part parts[PARTS];

    if (check(context) != SIBEAT_OK || !image || room < sibeat_saved_bytes())
        return 0;
    break_off(context, end_of(context));
    list_parts(context, parts);
    return sibeat_image_save(parts, PARTS, image, room);
}

sibeat_restoring sibeat_restore(sibeat_context *context, const void *image, size_t bytes)
{
    sibeat_part parts[PARTS];

    if (check(context) != SIBEAT_OK || !image)
        return SIBEAT_IMAGE_NONE;
    list_parts(context, parts);
    const sibeat_restoring error = sibeat_image_restore(parts, PARTS, image, bytes);
    if (error == SIBEAT_RESTORED)
        sibeat_monitor_resume(&context->monitor);
    return error;
}

#endif
