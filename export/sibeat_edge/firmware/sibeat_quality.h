/* SPDX-License-Identifier: MIT */
/*
 * Whether a beat's window may be scored, as sibeat_edge.signal.quality and .beats.stretch define it. What the device
 * itself knows comes before: samples that are missing, a lead that is off, an amplifier at its limit.
 */
#ifndef SIBEAT_QUALITY_H
#define SIBEAT_QUALITY_H

#include "sibeat_config.h"
#include "sibeat_floats.h"
#include "sibeat_stretch.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    SIBEAT_FINE = 0,
    SIBEAT_FLAT,  /* a lead spans less than 0.05 mV */
    SIBEAT_NOISY, /* it is no number, or muscles and mains disturb it */
    SIBEAT_MOTION /* the newest beats are unlike each other, as electrodes that move make them */
} sibeat_quality;

/*
 * window: SIBEAT_LENGTH filtered samples of SIBEAT_LEADS leads in mV, the R-peak at SIBEAT_BEFORE; the worst lead
 * decides. stretch: what sibeat_stretch_push has returned for this beat. *is_scored tells whether the window is fit to be
 * scored. One that is SIBEAT_FINE always is; another may be, beside a template, but the template must not learn from it.
 *
 * The window is spoilt. It takes some 5,000 additions a lead.
 */
sibeat_quality sibeat_quality_of(float *window, sibeat_fitness stretch, int *is_scored);

#ifdef __cplusplus
}
#endif

#endif
