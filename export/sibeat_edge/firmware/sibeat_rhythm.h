/* SPDX-License-Identifier: MIT */
/*
 * The RR intervals around a beat, relative to the wearer's own in the last half minute, as sibeat_edge.beats.rhythm has
 * it. A part of sibeat_wearer. Empty for a model that judges a beat alone.
 */
#ifndef SIBEAT_RHYTHM_H
#define SIBEAT_RHYTHM_H

#include "sibeat_config.h"
#include "sibeat_floats.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

/*
 * The SIBEAT_RHYTHM_FEATURES features of a beat; one that is not known is 0, as if on time. history: at most
 * SIBEAT_HISTORY intervals before those in recent. recent: the last three, the beat's own last. after: the interval to
 * the next beat. All are in s, and NAN where they are not known.
 */
void sibeat_rhythm_features(const float *history, int count, const float recent[3], float after, float *features);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
