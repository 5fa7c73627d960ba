/* SPDX-License-Identifier: MIT */
/*
 * What `make check` runs on a computer: are the model and the golden beats what was exported, and what does a wearer
 * take of this computer's memory? A project of its own may compile this file with all others: it has a main only where
 * SIBEAT_HOST_CHECK is defined.
 */
#include "sibeat_selftest.h"

#ifdef SIBEAT_HOST_CHECK
#include <stdio.h>

#include "sibeat_preprocess.h"
#if SIBEAT_RHYTHM_FEATURES
#include "sibeat_monitor.h"
#endif

#define PRINT_SIZE(type) printf("  %-18s %7lu\n", #type, (unsigned long)sizeof(type))

static void print_sizes(void)
{
    puts("sibeat: bytes of RAM");
    PRINT_SIZE(sibeat_band_pass);
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

int main(void)
{
    const sibeat_health health = sibeat_check_data();

    print_sizes();
    puts(health == SIBEAT_HEALTHY ? "sibeat: checksums are right" : "sibeat: a checksum is WRONG");
    return health;
}
#endif
