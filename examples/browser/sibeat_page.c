/* SPDX-License-Identifier: MIT */
/* INTERIM: crude detector until sibeat_push is there. */
#include <math.h>
#include <string.h>

#include "sibeat_golden.h"
#include "sibeat_monitor.h"
#include "sibeat_net.h"
#include "sibeat_preprocess.h"
#include "sibeat_quality.h"

#define PAGE(name) __attribute__((import_module("page"), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

PAGE("score") int page_score(double time, int question, const int8_t *input);
PAGE("beat") void page_beat(double time, double rr, int kind, int why, int quality, int score, int is_above);
PAGE("settled") void page_settled(int number, int kind, int why);
PAGE("episode") void page_episode(int what, double start, double end, int goes_on);
PAGE("alarm") void page_alarm(int what, double start);

static sibeat_wearer wearer;
static sibeat_older older;
static sibeat_monitor monitor;
static sibeat_band_pass filter;
static float samples[4096], held[4096];
static int64_t count, last, asked_time;
static int asked;
static float top;
static int8_t scratch[SIBEAT_NET_SCRATCH_BYTES];

int __real_sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input);
int __wrap_sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input)
{
    asked = (int)question;
    asked_time = view->beat.time;
    return __real_sibeat_wearer_input(view, question, input);
}
static int8_t score(void *context, const int8_t *input)
{
    (void)context;
    return (int8_t)page_score((double)asked_time / 360, asked, input);
}
static void judged(void *c, const sibeat_outcome *o)
{
    (void)c;
    page_beat((double)o->time / 360, o->rr, o->verdict.kind, o->verdict.by_shape | o->verdict.by_timing << 1,
              o->has_score ? 0 : 1, o->score, o->is_above);
}
static void settled(void *c, uint32_t n, const sibeat_verdict *v) { (void)c; page_settled((int)n, v->kind, v->by_shape | v->by_timing << 1); }
static void episode(void *c, const sibeat_episode *e) { (void)c; page_episode(e->what, (double)e->start / 360, (double)e->end / 360, e->goes_on); }
static void alarm(void *c, const sibeat_episode *e) { (void)c; page_alarm(e->what, (double)e->start / 360); }

EXPORT("start") int start(double rate)
{
    const sibeat_calls calls = {score, judged, settled, episode, alarm, NULL};
    (void)rate;
    sibeat_wearer_start(&wearer, SIBEAT_WAITS, &older);
    sibeat_monitor_init(&monitor, &wearer, &calls);
    sibeat_band_pass_start(&filter);
    count = 0; last = -1000; top = 0.3f;
    return 0;
}
EXPORT("samples") float *where(void) { return samples; }
EXPORT("capacity") int capacity(void) { return 4096; }
EXPORT("push") int push(int n)
{
    for (int i = 0; i < n; i++) {
        float y;
        if (!sibeat_band_pass_push(&filter, samples[i], &y)) continue;
        held[count++ & 4095] = y;
        top *= 0.9999f;
        const int64_t at = count - 220;
        if (at < 200 || at - last < 90) continue;
        const float h = held[at & 4095];
        int is = h > 0.5f * top;
        for (int k = -30; k <= 30 && is; k++) if (held[(at + k) & 4095] > h) is = 0;
        if (!is) continue;
        if (h > top) top = h;
        float window[SIBEAT_LENGTH], likeness, ratio;
        for (int k = 0; k < 320; k++) window[k] = held[(at - 140 + k) & 4095];
        sibeat_aligner_push(&monitor.aligner, window + 40, 1, &likeness);
        const int fit = sibeat_stretch_push(&monitor.stretch, likeness, &ratio);
        const int fine = sibeat_quality_of(window, fit) == SIBEAT_FINE;
        const sibeat_beat beat = {at, last > 0 ? (float)(at - last) / 360 : NAN, likeness, fine ? window : NULL};
        last = at;
        sibeat_monitor_push(&monitor, &beat);
    }
    return 0;
}
EXPORT("finish") void finish(void) { sibeat_monitor_finish(&monitor); }
EXPORT("limit") double limit(void) { return sibeat_threshold_limit(&monitor.threshold); }
EXPORT("plain_score") int plain_score(const int8_t *input)
{
    int8_t found = 0;
    sibeat_net_run(input, input + SIBEAT_WINDOW_BYTES, &found, scratch);
    return found;
}
EXPORT("score_scale") double scale(void) { return SIBEAT_SCORE_SCALE; }
EXPORT("score_zero") int zero(void) { return SIBEAT_SCORE_ZERO_POINT; }
EXPORT("input_bytes") int input_bytes(void) { return SIBEAT_INPUT_BYTES; }
EXPORT("golden_inputs") const int8_t *gi(void) { return &sibeat_golden_inputs[0][0]; }
EXPORT("golden_scores") const int8_t *gs(void) { return sibeat_golden_scores; }
EXPORT("golden_beats") int gb(void) { return SIBEAT_GOLDEN_BEATS; }
EXPORT("length") int length(void) { return SIBEAT_LENGTH; }
EXPORT("input_scale") double iscale(void) { return SIBEAT_INPUT_SCALE; }
EXPORT("input_zero") int izero(void) { return SIBEAT_INPUT_ZERO_POINT; }
