/* SPDX-License-Identifier: MIT */
/*
 * The firmware in a page: one context, its samples and its callbacks. stream.js is the other side. Numbers cross as
 * numbers and times in s, so that JavaScript knows no struct.
 */
#include "sibeat.h"
#include "sibeat_golden.h"

#define EXPORTED(name) __attribute__((export_name(name)))
#define FROM_PAGE(name) __attribute__((import_module("page"), import_name(name))) extern
#define BLOCK 4096 /* samples that are pushed together */

/* Runs the model on an input; `time` is of the beat that it is asked about. */
FROM_PAGE("score") int page_score(double time, int question, const int8_t *input);
FROM_PAGE("beat")
void page_beat(double time, double rr, int kind, int why, int reason, int has_score, double score, int is_irregular);
FROM_PAGE("revised") void page_revised(int number, int kind, int why);
FROM_PAGE("episode") void page_episode(int what, double start, double end, int goes_on);
FROM_PAGE("alarm") void page_alarm(int what, double start);

static sibeat_context context;
static float samples[BLOCK];
static double asked_time;
static int asked;

static double seconds(int64_t ticks)
{
    return (double)ticks / SIBEAT_TICKS;
}

/* The linker puts this one in the place of the firmware's: it notes which beat the model is asked about. */
int __real_sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input);
int __wrap_sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input);
int __wrap_sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input)
{
    asked_time = seconds(view->beat.time);
    asked = (int)question;
    return __real_sibeat_wearer_input(view, question, input);
}

static int8_t score(void *unused, const int8_t *input)
{
    (void)unused;
    return (int8_t)page_score(asked_time, asked, input);
}

static void beat(void *unused, const sibeat_scored *found)
{
    (void)unused;
    page_beat(seconds(found->time), found->rr, found->kind, found->why, found->reason, found->has_score, found->score,
              found->irregular);
}

static void revised(void *unused, const sibeat_revision *found)
{
    (void)unused;
    page_revised((int)found->number, found->kind, found->why);
}

static void episode(void *unused, const sibeat_episode *found)
{
    (void)unused;
    page_episode(found->what, seconds(found->start), seconds(found->end), found->goes_on);
}

static void alarm(void *unused, const sibeat_episode *found)
{
    (void)unused;
    page_alarm(found->what, seconds(found->start));
}

/* Begin with a wearer; samples are in mV. Returns a sibeat_error. */
EXPORTED("start") int start(int rate)
{
    const sibeat_config config = {
        SIBEAT_API_VERSION, (uint32_t)rate, 1.0f, 0, {beat, revised, episode, alarm, NULL}, score};

    return (int)sibeat_init(&context, &config);
}

/* The number of samples that are pushed together at most, and where they are written. */
EXPORTED("block") int block(void)
{
    return BLOCK;
}

EXPORTED("samples") float *samples_at(void)
{
    return samples;
}

/* Returns a sibeat_error. */
EXPORTED("push") int push(int count)
{
    return (int)sibeat_push_f32(&context, samples, (size_t)count);
}

/* Returns a sibeat_error. */
EXPORTED("finish") int finish(void)
{
    return (int)sibeat_finish(&context);
}

/* The threshold that the wearer has taught until now, in units of a beat's score. */
EXPORTED("limit") double limit(void)
{
    return (double)sibeat_threshold_limit(&context.monitor.threshold);
}

/* A rate that the front end may have, Hz, from number 0; 0 behind the last one. */
EXPORTED("rate_of") int rate_of(int number)
{
    return (int)sibeat_rates[number].hz;
}

/* The model's input: bytes of the window and of all, and what a level of the window stands for. */
EXPORTED("window_bytes") int window_bytes(void)
{
    return SIBEAT_WINDOW_BYTES;
}

EXPORTED("input_bytes") int input_bytes(void)
{
    return SIBEAT_INPUT_BYTES;
}

EXPORTED("input_scale") double input_scale(void)
{
    return (double)SIBEAT_INPUT_SCALE;
}

EXPORTED("input_zero_point") int input_zero_point(void)
{
    return SIBEAT_INPUT_ZERO_POINT;
}

/* The model in C: what the device would make of an input that LiteRT.js scores. */
EXPORTED("device_score") int device_score(const int8_t *input)
{
    static int8_t scratch[SIBEAT_NET_SCRATCH_BYTES];
    int8_t found = 0;

    sibeat_net_run(input, input + SIBEAT_WINDOW_BYTES, &found, scratch);
    return found;
}

/* The golden vectors. */
EXPORTED("golden_beats") int golden_beats(void)
{
    return SIBEAT_GOLDEN_BEATS;
}

EXPORTED("golden_inputs") const int8_t *golden_inputs(void)
{
    return sibeat_golden_inputs[0];
}

EXPORTED("golden_scores") const int8_t *golden_scores(void)
{
    return sibeat_golden_scores;
}
