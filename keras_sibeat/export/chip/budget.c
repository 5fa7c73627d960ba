/* SPDX-License-Identifier: MIT */
/*
 * Counts the instructions and the stack of the whole path on an emulated chip, of which a nanosecond is an instruction.
 *
 *     budget FILE RATE MILLIVOLTS
 *
 * prints "sample" and "beat", calls behind the warm-up that tell no beat and those that tell one, and "warm-up", all
 * before: each with instructions, calls and the most of one. Then the bytes of stack, and of the context.
 */
#include <stdio.h>
#include <stdlib.h>

#include "chip.h"
#include "sibeat.h"

#define SYSTICK ((volatile uint32_t *)0xE000E010u) /* control, reload, now */
#define MOST 0xFFFFFFu
#define BLOCK 256
#define SETTLED 90 /* beats told when nothing of the warm-up is left to do */

static uint32_t told;

static void on_beat(void *context, const sibeat_scored *beat)
{
    (void)context;
    (void)beat;
    told++;
}

/* Ticks of the chip's clock; it counts down, and a call takes less than its 24 bits. */
static uint32_t ticks_since(uint32_t before)
{
    return (before - SYSTICK[2]) & MOST;
}

typedef struct {
    uint64_t ticks;
    uint32_t calls, most;
} counter;

static void count(counter *counted, uint32_t ticks)
{
    counted->ticks += ticks;
    counted->calls++;
    counted->most = ticks > counted->most ? ticks : counted->most;
}

static void print(const char *name, const counter *counted)
{
    printf("%s %lu%06lu %lu %lu\n", name, (unsigned long)(counted->ticks / 1000000u),
           (unsigned long)(counted->ticks % 1000000u), (unsigned long)counted->calls, (unsigned long)counted->most);
}

int main(int arguments, char **words)
{
    static sibeat_context context;
    static int16_t samples[BLOCK * SIBEAT_LEADS];
    const sibeat_callbacks calls = {on_beat, 0, 0, 0, 0};
    sibeat_config config = {SIBEAT_API_VERSION, 0, 0.0f, 0, calls, 0};
    counter quiet = {0, 0, 0}, warm_up = {0, 0, 0}, judged = {0, 0, 0};
    FILE *file = arguments == 4 ? fopen(words[1], "rb") : 0;
    uint32_t depth;

    if (!file)
        return 2;
    config.rate = (uint32_t)strtoul(words[2], 0, 10);
    config.gain = strtof(words[3], 0);
    if (sibeat_init(&context, &config) != SIBEAT_OK)
        return 2;
    SYSTICK[1] = MOST;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5; /* runs, by the core's clock */
    depth = 0;
    for (size_t read; (read = fread(samples, sizeof *samples * SIBEAT_LEADS, BLOCK, file)) > 0;) {
        chip_paint_stack();
        for (size_t k = 0; k < read; k++) {
            const uint32_t before = told, now = SYSTICK[2];
            sibeat_push_i16(&context, &samples[k * SIBEAT_LEADS], 1);
            const uint32_t ticks = ticks_since(now);
            count(told < SETTLED ? &warm_up : told == before ? &quiet : &judged, ticks);
        }
        if (chip_stack_depth() > depth)
            depth = chip_stack_depth();
    }
    fclose(file);
    print("sample", &quiet);
    print("warm-up", &warm_up);
    print("beat", &judged);
    printf("stack %lu\n", (unsigned long)depth);
    printf("context %lu\n", (unsigned long)sizeof context);
    return 0;
}
