/* SPDX-License-Identifier: MIT */
/*
 * From a front end's samples to its beats and their windows, as sibeat_edge.beats.stream defines it: contact, resampler,
 * band-passes, R-peak detector, aligner, quality. A stream has no gaps of time: where the clock jumps, end it and begin
 * another one. sibeat.h does so, for a wearer's model.
 */
#ifndef SIBEAT_STREAM_H
#define SIBEAT_STREAM_H

#include "sibeat_align.h"
#include "sibeat_config.h"
#include "sibeat_contact.h"
#include "sibeat_fill.h"
#include "sibeat_resample.h"
#include "sibeat_rpeaks.h"
#include "sibeat_slow.h"
#include "sibeat_stretch.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_WAITING 64              /* R-peaks and pauses that wait to be cut, at most */
#define SIBEAT_STREAM_ROOM                                                                                             \
    (SIBEAT_LENGTH * SIBEAT_LEADS > SIBEAT_ALIGN_BEFORE + SIBEAT_ALIGN_AFTER                                           \
         ? SIBEAT_LENGTH * SIBEAT_LEADS                                                                                \
         : SIBEAT_ALIGN_BEFORE + SIBEAT_ALIGN_AFTER)
#define SIBEAT_STREAM_MOST 0x1fff0000u /* samples of a stream, at most: 12 days of 512 Hz */

/* What is wrong with a beat's signal. One that is noisy, or of motion, may be scored nevertheless. */
typedef enum {
    SIBEAT_REASON_NONE = 0,
    SIBEAT_REASON_MISSING,   /* samples that are no numbers */
    SIBEAT_REASON_FLAT,      /* a lead that is off */
    SIBEAT_REASON_SATURATED, /* an amplifier at its limit */
    SIBEAT_REASON_NOISY,     /* muscles, mains */
    SIBEAT_REASON_MOTION,    /* the newest beats are unlike each other, as electrodes that move make them */
    SIBEAT_REASON_EDGE,      /* its window exceeds the stream, or it was found too late */
    SIBEAT_REASON_WARM_UP    /* there is no template of the wearer yet */
} sibeat_reason;

/* A beat that has been cut from the stream. */
typedef struct {
    uint32_t peak;       /* R-peak, ticks: samples at 360 Hz since the stream's start */
    float rr;            /* s since the R-peak before; NAN where the signal in between is not known throughout */
    float likeness, snr; /* dB, of sibeat_aligner_push and sibeat_stretch_push; NAN if not known */
    sibeat_reason reason;
    uint8_t is_bridged;  /* whether samples that were missing in its window, or close by, have been interpolated */
    const float *window; /* as for sibeat_quality_of; NULL if it is not fit to be scored */
} sibeat_cut;

/* What is done with what is cut, in order of time. */
typedef struct {
    void (*beat)(void *context, const sibeat_cut *cut);
    void (*pause)(void *context, int is_known); /* no beat comes; is_known: the signal since is known throughout */
    void *context;
    float *room; /* SIBEAT_STREAM_ROOM floats, which hold nothing between two calls; windows lie in it */
} sibeat_sink;

typedef struct {
    sibeat_sink sink;
    sibeat_aligner *aligner;
    sibeat_stretch *stretch;
    const sibeat_rate *rate;
    float gain;                /* mV */
    float base[SIBEAT_LEADS];  /* the first sample, which is taken away from all */
    float even[SIBEAT_LEADS];  /* the newest at 360 Hz */
    sibeat_contact contact[SIBEAT_LEADS];
    sibeat_fill fill;
    sibeat_resampler resampler[SIBEAT_LEADS];
    sibeat_slow slow[SIBEAT_LEADS];
    sibeat_ring ring[SIBEAT_LEADS];
    float around[SIBEAT_SLOW_AROUND]; /* the detector's newest slow samples, the oldest first */
    sibeat_rpeaks rpeaks;
    struct {
        uint32_t peak : 30, is_late : 1, is_pause : 1;
    } waiting[SIBEAT_WAITING]; /* a ring */
    uint32_t seen;             /* samples so far */
    uint32_t filled;           /* of them, those that have been filled, */
    uint32_t evened;           /* and samples at 360 Hz made of them */
    uint32_t detected;         /* slow samples of the detector */
    uint32_t judged;           /* filtered samples that the detector has seen */
    uint32_t second;           /* up to which pauses have been told */
    uint32_t total;            /* samples at 360 Hz that there will be */
    uint32_t previous, newest; /* the R-peak that was cut last, and that found last until a pause has been told */
    uint8_t first_waiting, waiting_count;
    uint8_t has_previous, has_newest, has_base;
} sibeat_stream;

/*
 * rate: one of sibeat_rates. gain: mV of a unit of the samples. The aligner is kept across streams; a stretch begins
 * with each. sink is copied.
 */
void sibeat_stream_start(sibeat_stream *stream, const sibeat_rate *rate, float gain, sibeat_aligner *aligner,
                         sibeat_stretch *stretch, const sibeat_sink *sink);

/* Add a sample of all leads; one that is missing is NAN or infinite. */
void sibeat_stream_push(sibeat_stream *stream, const float sample[SIBEAT_LEADS]);

/* Read the window around an R-peak, as of a beat that had one, while it is among the newest 20 s of the lead. */
void sibeat_stream_read(const sibeat_stream *stream, uint32_t peak, float *window);

/* Cut what is left, as the stream ends. It is not to be pushed to until it is started again. */
void sibeat_stream_finish(sibeat_stream *stream);

#ifdef __cplusplus
}
#endif

#endif
