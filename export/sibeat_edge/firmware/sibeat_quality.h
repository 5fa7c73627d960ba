/* SPDX-License-Identifier: MIT */
/*
 * Whether a beat's window may be scored, as sibeat_edge.signal.quality and .beats.stretch define it. What the device
 * itself knows comes before: samples that are missing, a lead that is off, an amplifier at its limit.
 */
#ifndef SIBEAT_QUALITY_H
#define SIBEAT_QUALITY_H

#include "sibeat_config.h"
#include "sibeat_floats.h"

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
 * decides. stretch_is_fit: what sibeat_stretch_push has returned for this beat. Only a window that is SIBEAT_FINE is
 * fit to be scored.
 *
 * The window is spoilt. It takes some 5,000 additions a lead.
 */
sibeat_quality sibeat_quality_of(float *window, int stretch_is_fit);

#ifdef __cplusplus
}
#endif

#endif
