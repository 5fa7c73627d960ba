/* SPDX-License-Identifier: MIT */
/*
 * The whole path in one context: a front end's samples in, judged beats, episodes and alarms out, as BeatScorer of
 * sibeat_edge tells them. Empty for a model that judges a beat alone.
 *
 *     static sibeat_context context;
 *     static const sibeat_config config = {SIBEAT_API_VERSION, 250, 0.005f, 0, {beat, revised, episode, alarm, 0}, 0};
 *
 *     if (sibeat_init(&context, &config) == SIBEAT_OK)
 *         for (;;)
 *             sibeat_push_i16(&context, samples, count);   // of any size, at the front end's own rate
 *
 * Nothing is allocated, and nothing is kept outside of the context. Each call makes its callbacks before it returns. A
 * call with an argument that is not allowed returns an error and leaves the context alone. One context is for one
 * wearer, and for one thread at a time; do not call from within a callback.
 */
#ifndef SIBEAT_H
#define SIBEAT_H

#include <stddef.h>
#include <stdint.h>

#include "sibeat_monitor.h"

#if SIBEAT_RHYTHM_FEATURES
#include "sibeat_stream.h"
#ifndef SIBEAT_TFLM
#include "sibeat_net.h"
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* It changes where a program that was written for an older one would not compile, or would do something else. */
#define SIBEAT_API_VERSION 1

typedef enum {
    SIBEAT_OK = 0,
    SIBEAT_NULL_ARGUMENT,     /* a pointer is NULL; or `score`, where SIBEAT_TFLM is defined */
    SIBEAT_OTHER_VERSION,     /* config is of another SIBEAT_API_VERSION */
    SIBEAT_UNSUPPORTED_RATE,  /* none of sibeat_rates */
    SIBEAT_WRONG_GAIN,        /* it is 0, or no number */
    SIBEAT_NOT_INITIALISED,   /* the context was not, or does not hold what it should */
    SIBEAT_NO_SAMPLES,        /* a count of 0 */
    SIBEAT_TIME_RUNS_BACK     /* by more than 50 ms */
} sibeat_error;

/* What is abnormal of a beat. */
typedef enum { SIBEAT_WHY_NONE = 0, SIBEAT_WHY_SHAPE = 1, SIBEAT_WHY_TIMING = 2, SIBEAT_WHY_BOTH = 3 } sibeat_why;

/* A beat with its first verdict. What is not known is NAN. */
typedef struct {
    int64_t time;         /* of its R-peak on the device's clock, ticks of 1 / 360 s */
    uint32_t number;      /* from 0 over all beats of the context */
    float rr;             /* s since the R-peak before */
    float snr;            /* dB: the signal-to-noise ratio of the newest beats */
    float score;          /* of the model, the larger the more abnormal */
    float timing;         /* that of the template at the beat's time */
    float shape;          /* that of the beat had it been on time; only where its shape is odd */
    int32_t group;        /* number of the kind of beats, alike in shape, that it was gathered with, or -1 */
    int8_t level;         /* the model's int8 score, if there is a score */
    char kind;            /* 'N', 'S' (supraventricular), 'V' (ventricular), or 0 without a score */
    uint8_t has_score;
    uint8_t alarm;        /* whether it is abnormal: of the kind S or V */
    uint8_t above;        /* whether its score lies above the threshold */
    uint8_t why;          /* a sibeat_why */
    uint8_t reason;       /* a sibeat_reason: its quality, where it has no score */
    uint8_t bridged;      /* whether missing samples around it, at most 40 ms, have been interpolated */
    uint8_t irregular;    /* whether the rhythm as a whole is irregular */
} sibeat_scored;

/* What a beat is, with what has been learnt since: SIBEAT_JUDGE_LATER beats later, or at the end. */
typedef struct {
    uint32_t number; /* of the beat */
    char kind;
    uint8_t alarm, why;
} sibeat_revision;

/* Each may be NULL. */
typedef struct {
    void (*beat)(void *context, const sibeat_scored *beat);
    void (*revised)(void *context, const sibeat_revision *revision); /* a beat of which the kind has changed */
    void (*episode)(void *context, const sibeat_episode *episode);   /* one begins or ends */
    void (*alarm)(void *context, const sibeat_episode *episode);     /* one that is to be told */
    void *context;
} sibeat_callbacks;

typedef struct {
    uint32_t version; /* SIBEAT_API_VERSION */
    uint32_t rate;    /* of the front end, Hz: one of sibeat_rates */
    float gain;       /* mV of a unit of the samples */
    int64_t start;    /* time of the first sample on the device's clock, microseconds */
    sibeat_callbacks calls;
    /*
     * Runs the model on SIBEAT_INPUT_BYTES of input and returns its int8 score; gets calls.context. NULL for sibeat_net;
     * where SIBEAT_TFLM is defined, it has to be given.
     */
    int8_t (*score)(void *context, const int8_t *input);
} sibeat_config;

/* From here to sibeat_context is what it keeps. */

#define SIBEAT_UNSETTLED (SIBEAT_JUDGE_LATER + 4)   /* beats whose verdict may be revised, at most */

typedef struct {
    uint32_t magic;      /* that it has been initialised */
    sibeat_config config;
    int64_t start;       /* ticks on the device's clock: of the stream's first sample */
    int64_t begun;       /* the same, microseconds */
    int64_t clock;       /* microseconds on it: of the sample that `since` counts from */
    uint32_t since;      /* samples */
    uint32_t told;       /* beats so far */
    uint8_t kinds[(SIBEAT_UNSETTLED + 3) / 4];    /* first verdicts, 2 bits each; a ring */
    union {
        sibeat_room room;
#ifndef SIBEAT_TFLM
        int8_t model[SIBEAT_INPUT_BYTES + SIBEAT_NET_SCRATCH_BYTES]; /* its input and its scratch memory */
#endif
    } memory; /* that the parts use in their turn */
    sibeat_stream stream;
    sibeat_monitor monitor;
} sibeat_context;

/* Begin with a wearer. config is copied. */
sibeat_error sibeat_init(sibeat_context *context, const sibeat_config *config);

/*
 * Add samples: `count` of SIBEAT_LEADS leads each, the leads of a sample beside each other, in units of config.gain.
 * The lowest integer, and what is NAN, infinite or beyond 100 V, is a missing sample.
 */
sibeat_error sibeat_push_i16(sibeat_context *context, const int16_t *samples, size_t count);
sibeat_error sibeat_push_i32(sibeat_context *context, const int32_t *samples, size_t count);
sibeat_error sibeat_push_f32(sibeat_context *context, const float *samples, size_t count);

/*
 * Tell the time of the next sample on the device's clock, microseconds: where samples have been lost, or with every
 * block. A new stream begins where it differs by more than 50 ms from the end of what has been pushed; what is known of
 * the wearer is kept. A clock that drifts slowly is not followed.
 */
sibeat_error sibeat_clock(sibeat_context *context, int64_t microseconds);

/*
 * The recording ends: all beats get their last verdicts, and all episodes end. What is known of the wearer is kept;
 * samples pushed afterwards begin a new stream.
 */
sibeat_error sibeat_finish(sibeat_context *context);

/*
 * What is known of the wearer as an image of sibeat_saved_bytes bytes, for a deep sleep. The stream breaks off here, as
 * samples will be lost. Returns the bytes written; 0 where there is no room for them, and the stream goes on.
 */
size_t sibeat_saved_bytes(void);
size_t sibeat_save(sibeat_context *context, void *image, size_t room);

/*
 * Go on with the wearer of an image: of a context that sibeat_init has begun, with the time after the sleep. Anything
 * but SIBEAT_RESTORED leaves the context as it was.
 */
sibeat_restoring sibeat_restore(sibeat_context *context, const void *image, size_t bytes);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
