/* What the model needs, and how its scores are read. */
#ifndef SIBEAT_CONFIG_H
#define SIBEAT_CONFIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_RATE_HZ 360
#define SIBEAT_LEADS 1
#define SIBEAT_DELAY 540 /* samples, of the band-pass */
#define SIBEAT_TAPS 1081

/* The window, in samples: those before the R-peak, and those from it on. */
#define SIBEAT_BEFORE 140
#define SIBEAT_AFTER 180
#define SIBEAT_LENGTH 320
#define SIBEAT_CHANNELS 1 /* leads, twice as many beside a template */

/* value = scale * (int8 - zero point) */
#define SIBEAT_WINDOW_BYTES 320
#define SIBEAT_WINDOW_INPUT 0 /* its place among the model's inputs */
#define SIBEAT_RHYTHM_FEATURES 0 /* a beat stands alone */
#define SIBEAT_INPUT_BYTES 320
#define SIBEAT_INPUT_SCALE 7.84313772e-03f
#define SIBEAT_INPUT_ZERO_POINT (-1)
#define SIBEAT_SCORE_OUTPUT 0 /* its place among the model's outputs */
#define SIBEAT_SCORE_SCALE 3.25333178e-02f
#define SIBEAT_SCORE_ZERO_POINT (-128)

/* A beat whose score is above the threshold is an alarm; the int8 one decides the same. */
#define SIBEAT_THRESHOLD (4.76612997e+00f)
#define SIBEAT_THRESHOLD_INT8 18 /* an int: -129 makes every beat an alarm */
/* The median of a wearer's scores that leaves the threshold where it is. */
#define SIBEAT_USUAL_SCORE (1.60388994e+00f)
#define SIBEAT_FALSE_ALARMS_PER_HOUR 4.45331993e+01f

/* The smallest arena that TensorFlow Lite Micro ran the model in, and what to have. */
#define SIBEAT_ARENA_MEASURED_BYTES 6288
#define SIBEAT_ARENA_MARGIN_BYTES 1584
#define SIBEAT_ARENA_BYTES (SIBEAT_ARENA_MEASURED_BYTES + SIBEAT_ARENA_MARGIN_BYTES)

extern const float sibeat_taps[SIBEAT_TAPS];
extern const char *const sibeat_lead_names[SIBEAT_LEADS];
extern const char sibeat_name[];
extern const char sibeat_licence[];
extern const char sibeat_notice[];

#ifdef __cplusplus
}
#endif

#endif
