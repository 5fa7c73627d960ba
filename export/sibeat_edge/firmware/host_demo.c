/* SPDX-License-Identifier: MIT */
/*
 * What `make demo` builds: a program that scores a file of raw 16-bit samples by this folder's C alone, and prints the
 * beats. It has a main only where SIBEAT_DEMO is defined.
 *
 *     build/host_demo 100.i16 360 0.005
 *
 * The file holds the samples of SIBEAT_LEADS leads, beside each other, in this computer's byte order; then come the
 * rate in Hz, and the millivolts of a unit.
 */
#include "sibeat_config.h"

#ifdef SIBEAT_DEMO
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sibeat.h"

static const char *const reasons[] = {"", "missing", "flat", "saturated", "noisy", "motion", "edge", "warm-up"};
static const char *const whys[] = {"", "shape", "timing", "both"};
static const char *const episodes[] = {"ventricular run", "supraventricular run", "bigeminy", "frequent ectopic beats",
                                       "irregular rhythm", "bradycardia", "tachycardia", "pause"};

static void print_time(const char *what, int64_t time)
{
    const int64_t milliseconds = time * 1000 / SIBEAT_TICKS;

    printf("%s\t%" PRId64 ".%03d\t", what, milliseconds / 1000, (int)(milliseconds % 1000));
}

static void on_beat(void *context, const sibeat_scored *beat)
{
    (void)context;
    print_time("beat", beat->time);
    if (beat->has_score)
        printf("%c\t%d\t%d\t%s\n", beat->kind, beat->level, beat->alarm, whys[beat->why]);
    else
        printf("-\t\t0\t%s\n", reasons[beat->reason]);
}

static void on_revised(void *context, const sibeat_revision *revision)
{
    (void)context;
    printf("revised\t%" PRIu32 "\t%c\n", revision->number, revision->kind);
}

static void on_alarm(void *context, const sibeat_episode *episode)
{
    (void)context;
    print_time("alarm", episode->start);
    puts(episodes[episode->what]);
}

int main(int count, char **arguments)
{
    static sibeat_context context;
    const sibeat_callbacks calls = {on_beat, on_revised, 0, on_alarm, 0};
    sibeat_config config = {SIBEAT_API_VERSION, 0, 0.0f, 0, calls, 0};
    int16_t samples[512 * SIBEAT_LEADS];
    FILE *file = count == 4 ? fopen(arguments[1], "rb") : 0;

    if (!file) {
        fprintf(stderr, "host_demo: expected FILE RATE MILLIVOLTS, a file of raw 16-bit samples\n");
        return 2;
    }
    config.rate = (uint32_t)strtoul(arguments[2], 0, 10);
    config.gain = strtof(arguments[3], 0);
    const sibeat_error error = sibeat_init(&context, &config);
    if (error != SIBEAT_OK) {
        fprintf(stderr, "host_demo: found the rate %s and the gain %s; error %d\n", arguments[2], arguments[3], error);
        fclose(file);
        return 2;
    }
    puts("what\ttime\tkind\tscore\talarm\twhy");
    for (size_t read; (read = fread(samples, sizeof *samples * SIBEAT_LEADS, 512, file)) > 0;)
        sibeat_push_i16(&context, samples, read);
    fclose(file);
    sibeat_finish(&context);
    return 0;
}
#endif
