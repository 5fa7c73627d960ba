/* SPDX-License-Identifier: MIT */
/*
 * What `make check` runs on a computer: are the model and the golden beats what was exported, does the model in C score
 * them so, is of the golden signal told what should be, and what does a wearer take of this computer's memory? With
 * SIBEAT_TFLM the model is that for TensorFlow Lite Micro, and is not run. A project of its own may compile this file
 * with all others: it has a main only where SIBEAT_HOST_CHECK is defined.
 */
#include "sibeat_selftest.h"

#ifdef SIBEAT_HOST_CHECK
#include <stdio.h>

#ifdef SIBEAT_TFLM
static const char *const healthy = "sibeat: checksums are right; the model for TensorFlow Lite Micro was not run";

static sibeat_health check(void)
{
    return sibeat_check_data();
}
#else
#include "sibeat_config.h"
#include "sibeat_net.h"
#include "sibeat_stream.h"
#if SIBEAT_RHYTHM_FEATURES
#include "sibeat_pathtest.h"
#endif

#define PRINT_BYTES(name, bytes) printf("  %-18s %7lu\n", name, (unsigned long)(bytes))
#define PRINT_SIZE(type) PRINT_BYTES(#type, sizeof(type))

static const char *const healthy = "sibeat: checksums are right; the golden beats score as they should";

static void print_sizes(void)
{
    puts("sibeat: bytes of RAM");
    PRINT_BYTES("sibeat_net_run", SIBEAT_NET_SCRATCH_BYTES);
#if SIBEAT_RHYTHM_FEATURES
    PRINT_SIZE(sibeat_context);
#endif
    PRINT_SIZE(sibeat_stream);
    PRINT_SIZE(sibeat_ring);
    PRINT_SIZE(sibeat_slow);
    PRINT_SIZE(sibeat_rpeaks);
    PRINT_SIZE(sibeat_contact);
#if SIBEAT_RHYTHM_FEATURES
    PRINT_SIZE(sibeat_monitor);
    PRINT_SIZE(sibeat_aligner);
    PRINT_SIZE(sibeat_stretch);
    PRINT_SIZE(sibeat_threshold);
    PRINT_SIZE(sibeat_judge);
    PRINT_SIZE(sibeat_episodes);
    PRINT_SIZE(sibeat_alarms);
    PRINT_SIZE(sibeat_wearer);
    PRINT_SIZE(sibeat_template);
    PRINT_SIZE(sibeat_older);
#endif
}

static int8_t score(const int8_t *input)
{
    int8_t found = 0, scratch[SIBEAT_NET_SCRATCH_BYTES];

    sibeat_net_run(input, input + SIBEAT_WINDOW_BYTES, &found, scratch);
    return found;
}

static sibeat_health check(void)
{
    print_sizes();
    return sibeat_selftest(score);
}
#endif

#if SIBEAT_RHYTHM_FEATURES && !defined(SIBEAT_TFLM)
/* The whole path, stage by stage; returns the first one that differs. */
static int check_path(void)
{
    static sibeat_context context;
    const sibeat_path_health health = sibeat_pathtest(&context, NULL);

    if (health != SIBEAT_PATH_HEALTHY)
        printf("sibeat: stage %d of the golden path is WRONG\n", (int)health);
    else
        puts("sibeat: of the golden signal is told what should be");
    return (int)health;
}
#else
static int check_path(void)
{
    return 0;
}
#endif

int main(void)
{
    const sibeat_health health = check();

    if (health == SIBEAT_HEALTHY)
        puts(healthy);
    else
        puts(health == SIBEAT_SCORES_DIFFER ? "sibeat: a golden score is WRONG" : "sibeat: a checksum is WRONG");
    return health == SIBEAT_HEALTHY ? check_path() : (int)health;
}
#endif
