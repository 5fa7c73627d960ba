/* SPDX-License-Identifier: MIT */
/* The least firmware: samples of a front end in, verdicts out. What it takes of flash and RAM is the whole path's. */
#include "sibeat.h"

void chip_reset(void);
volatile int16_t chip_sample[SIBEAT_LEADS];
volatile uint8_t chip_alarm;

static void on_beat(void *context, const sibeat_scored *beat)
{
    (void)context;
    chip_alarm = beat->alarm;
}

static void on_alarm(void *context, const sibeat_episode *episode)
{
    (void)context;
    chip_alarm = episode->what;
}

#ifdef SIBEAT_WITH_SELFTEST
#include "sibeat_pathtest.h"
#include "sibeat_selftest.h"

static int8_t score(const int8_t *input)
{
    int8_t found = 0, scratch[SIBEAT_NET_SCRATCH_BYTES];

    sibeat_net_run(input, input + SIBEAT_WINDOW_BYTES, &found, scratch);
    return found;
}

static int is_healthy(sibeat_context *context)
{
    return sibeat_selftest(score) == SIBEAT_HEALTHY && sibeat_pathtest(context, 0) == SIBEAT_PATH_HEALTHY;
}
#else
static int is_healthy(sibeat_context *context)
{
    return context != 0;
}
#endif

void chip_reset(void)
{
    static sibeat_context context;
    const sibeat_callbacks calls = {on_beat, 0, 0, on_alarm, 0};
    const sibeat_config config = {SIBEAT_API_VERSION, SIBEAT_FRONT_END_HZ, 0.005f, 0, calls, 0};

    if (!is_healthy(&context) || sibeat_init(&context, &config) != SIBEAT_OK)
        return;
    for (;;) {
        int16_t sample[SIBEAT_LEADS];
        for (int lead = 0; lead < SIBEAT_LEADS; lead++)
            sample[lead] = chip_sample[lead];
        sibeat_push_i16(&context, sample, 1);
    }
}
