/* SPDX-License-Identifier: MIT */
/* What the model needs, and how its scores are read. */
#ifndef SIBEAT_CONFIG_H
#define SIBEAT_CONFIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_RATE_HZ 360
#define SIBEAT_LEADS 1
#define SIBEAT_DELAY 540 /* samples, of the windows' band-pass */

/* The window, in samples: those before the R-peak, and those from it on. */
#define SIBEAT_BEFORE 140
#define SIBEAT_AFTER 180
#define SIBEAT_LENGTH 320
#define SIBEAT_CHANNELS 2 /* leads, twice as many beside a template */

/* value = scale * (int8 - zero point) */
#define SIBEAT_WINDOW_BYTES 640
#define SIBEAT_WINDOW_INPUT 1 /* its place among the model's inputs */
#define SIBEAT_WARM_UP 60
#define SIBEAT_MEMORY 32
#define SIBEAT_BOUND 1.00000001e-01f
#define SIBEAT_ALIKE 8.99999976e-01f
#define SIBEAT_SIMILAR 8.00000012e-01f
#define SIBEAT_KIND 4.00000006e-01f
#define SIBEAT_RIVAL 2.50000000e-01f
#define SIBEAT_FEW 1.00000001e-01f
#define SIBEAT_LATER 1.10000002e+00f
#define SIBEAT_PROLONGED 15
#define SIBEAT_PATIENCE 300
#define SIBEAT_UNLIKE 120
#define SIBEAT_GAIN 1.50000000e+00f
#define SIBEAT_STEADY 10
#define SIBEAT_CORE_BEFORE 70
#define SIBEAT_CORE_AFTER 110
#define SIBEAT_HISTORY 40
#define SIBEAT_FEWEST_RR 8
#define SIBEAT_SHORTEST_RR 2.00000003e-01f
#define SIBEAT_LONGEST_RR 3.00000000e+00f
#define SIBEAT_WAITS 1 /* whether a beat waits for the next one */
#define SIBEAT_RHYTHM_FEATURES 8 /* before, after, turn, before_slow, one_earlier, two_earlier, spread, range */
#define SIBEAT_RHYTHM_INPUT 0
#define SIBEAT_HIGHEST 3.00000000e+00f /* of a beat beside its template, whose own is 1 */
#define SIBEAT_RHYTHM_SCALE 1.32033592e-02f
#define SIBEAT_RHYTHM_ZERO_POINT (-5)
#define SIBEAT_INPUT_BYTES 648
#define SIBEAT_INPUT_SCALE 2.42226459e-02f
#define SIBEAT_INPUT_ZERO_POINT 3
#define SIBEAT_SCORE_OUTPUT 0 /* its place among the model's outputs */
#define SIBEAT_SCORE_SCALE 2.93800160e-02f
#define SIBEAT_SCORE_ZERO_POINT (-123)

/* A beat whose score is above the threshold is an alarm; the int8 one decides the same. */
#define SIBEAT_THRESHOLD (4.65673018e+00f)
#define SIBEAT_THRESHOLD_INT8 35 /* an int: -129 makes every beat an alarm */
/* The median of a wearer's scores that leaves the threshold where it is. */
#define SIBEAT_USUAL_SCORE (1.45490003e+00f)
#define SIBEAT_FALSE_ALARMS_PER_HOUR 3.97906990e+01f

/* The smallest arena that TensorFlow Lite Micro ran the model in, and what to have. */
#define SIBEAT_ARENA_MEASURED_BYTES 7088
#define SIBEAT_ARENA_MARGIN_BYTES 1776
#define SIBEAT_ARENA_BYTES (SIBEAT_ARENA_MEASURED_BYTES + SIBEAT_ARENA_MARGIN_BYTES)

extern const char *const sibeat_lead_names[SIBEAT_LEADS];
extern const char sibeat_name[];
extern const char sibeat_licence[];
extern const char sibeat_notice[];

#ifdef __cplusplus
}
#endif

#endif
