/*
 * What `make check` runs on a computer: are the model and the golden beats what was exported, and does the model in C
 * score them so? With SIBEAT_TFLM the model is that for TensorFlow Lite Micro, and is not run.
 */
#include <stdio.h>

#include "sibeat_config.h"
#include "sibeat_selftest.h"

#ifndef SIBEAT_TFLM
#include "sibeat_net.h"

static int8_t score(const int8_t *input)
{
    int8_t found = 0, scratch[SIBEAT_NET_SCRATCH_BYTES];

    sibeat_net_run(input, input + SIBEAT_WINDOW_BYTES, &found, scratch);
    return found;
}
#endif

int main(void)
{
#ifdef SIBEAT_TFLM
    const sibeat_health health = sibeat_check_data();
    const char *const healthy = "sibeat: checksums are right; the model for TensorFlow Lite Micro was not run";
#else
    const sibeat_health health = sibeat_selftest(score);
    const char *const healthy = "sibeat: checksums are right; the golden beats score as they should";
#endif

    if (health == SIBEAT_HEALTHY)
        puts(healthy);
    else
        puts(health == SIBEAT_SCORES_DIFFER ? "sibeat: a golden score is WRONG" : "sibeat: a checksum is WRONG");
    return health;
}
