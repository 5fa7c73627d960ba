/* SPDX-License-Identifier: MIT */
#include "sibeat_replay.h"

#if SIBEAT_RHYTHM_FEATURES

#include <stdio.h>
#include <string.h>

#define LINE 80

static const char *const reasons[] = {"", "missing", "flat", "saturated", "noisy", "motion", "edge", "warm-up"};
static const char *const whys[] = {"", "shape", "timing", "both"};
static const char *const episodes[] = {"ventricular run", "supraventricular run", "bigeminy", "frequent ectopic beats",
                                       "irregular rhythm", "bradycardia", "tachycardia", "pause"};

/* 32 bits are printed, as small C libraries know no more. */
static int put_time(char *line, const char *what, int64_t time)
{
    const int64_t milliseconds = time * 1000 / SIBEAT_TICKS;

    return snprintf(line, LINE, "%s\t%ld.%03d\t", what, (long)(milliseconds / 1000), (int)(milliseconds % 1000));
}

static void on_beat(void *context, const sibeat_scored *beat)
{
    const sibeat_replay *replay = context;
    char line[LINE];
    const int end = put_time(line, "beat", beat->time);

    if (beat->has_score)
        snprintf(line + end, (size_t)(LINE - end), "%c\t%d\t%d\t%s\n", beat->kind, beat->level, beat->alarm,
                 whys[beat->why]);
    else
        snprintf(line + end, (size_t)(LINE - end), "-\t\t0\t%s\n", reasons[beat->reason]);
    replay->put(line);
}

static void on_revised(void *context, const sibeat_revision *revision)
{
    const sibeat_replay *replay = context;
    char line[LINE];

    snprintf(line, LINE, "revised\t%lu\t%c\n", (unsigned long)revision->number, revision->kind);
    replay->put(line);
}

static void on_alarm(void *context, const sibeat_episode *episode)
{
    const sibeat_replay *replay = context;
    char line[LINE];
    const int end = put_time(line, "alarm", episode->start);

    snprintf(line + end, (size_t)(LINE - end), "%s\n", episodes[episode->what]);
    replay->put(line);
}

sibeat_error sibeat_replay_begin(sibeat_replay *replay, sibeat_context *context, uint32_t rate, float gain,
                                 void (*put)(const char *text))
{
    const sibeat_callbacks calls = {on_beat, on_revised, 0, on_alarm, replay};
    sibeat_config config = {SIBEAT_API_VERSION, 0, 0.0f, 0, calls, 0};

    if (!replay || !put)
        return SIBEAT_NULL_ARGUMENT;
    config.rate = rate;
    config.gain = gain;
    const sibeat_error error = sibeat_init(context, &config);
    if (error != SIBEAT_OK)
        return error;
    memset(replay, 0, sizeof *replay);
    replay->context = context;
    replay->put = put;
    put(SIBEAT_REPLAY_COLUMNS);
    return SIBEAT_OK;
}

void sibeat_replay_byte(sibeat_replay *replay, uint8_t byte)
{
    int16_t sample[SIBEAT_LEADS];

    if (!replay->wanted) {
        replay->wanted = (uint32_t)byte * sizeof replay->bytes;
        replay->seen = 0;
        if (!byte) {
            sibeat_finish(replay->context);
            replay->put("end\n");
        }
        return;
    }
    replay->bytes[replay->seen % sizeof replay->bytes] = byte;
    replay->seen++;
    if (replay->seen % sizeof replay->bytes == 0) {
        for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
            const uint16_t bits = (uint16_t)(replay->bytes[2 * lead] | replay->bytes[2 * lead + 1] << 8);
            memcpy(&sample[lead], &bits, sizeof bits);
        }
        sibeat_push_i16(replay->context, sample, 1);
    }
    if (replay->seen == replay->wanted) {
        replay->wanted = 0;
        replay->put("ok\n");
    }
}

#endif
