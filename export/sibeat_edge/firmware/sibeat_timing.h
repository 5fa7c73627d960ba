/* SPDX-License-Identifier: MIT */
/*
 * Whether a beat of the wearer's own shape comes too early for this wearer's rhythm, as sibeat_edge.beats.timing,
 * .heaps and .lengths define it. A part of sibeat_judge.
 */
#ifndef SIBEAT_TIMING_H
#define SIBEAT_TIMING_H

#include "sibeat_newest.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_HEAPS_BINS 38   /* of timing scores, 0.02 wide */
#define SIBEAT_LENGTHS_BINS 62 /* of the logarithms of intervals, 0.04 wide */

/* A beat with a score. An interval is NAN where it is not known. */
typedef struct {
    float rr, after; /* s since the R-peak before, and to the next one */
    float score;     /* of the model, for the own beat at this beat's time, over the model's threshold */
    uint8_t is_own, is_ventricular, is_clean;
} sibeat_timed;

typedef struct {
    float early;    /* share of the usual interval by which the beat is early; 0 if it is not known */
    float score;    /* as the beat's */
    float interval; /* s since the beat before, if that tells whether it is a short one; or NAN */
    uint8_t is_premature;
    uint8_t is_fit;     /* whether it could be called premature by its heap, once there are two */
    uint8_t is_certain; /* whether it is premature whatever the heaps turn out to be */
    uint8_t is_in_row;  /* whether it is one of a fast, regular row */
} sibeat_answer;

typedef struct {
    float heaps[SIBEAT_HEAPS_BINS], heap_valley, depth; /* the valley is NAN if there is none */
    float lengths[SIBEAT_LENGTHS_BINS], length_valley, turns;
    sibeat_newest longest;      /* newest long intervals */
    sibeat_newest pairs;        /* intervals between two normal beats */
    sibeat_newest on_time, own; /* those of beats on time, and of all beats of the wearer's own shape */
    sibeat_newest row;          /* those of the newest beats, as all of them are early */
    float spread;               /* of the pairs; NAN if not known */
    float onset;                /* how early the first of the row was */
    float early_share;          /* of beats */
    float late_share;           /* of beats that are late behind none that is early */
    uint32_t in_row;            /* beats of the row */
    sibeat_timed before;        /* the beat before, if there is one with a score */
    uint8_t has_before, was_premature, was_normal, was_early;
    uint8_t was_short; /* of the interval before: 1, or 0, or 2 if not known */
    uint8_t lost;      /* beats in a row without a score or an interval */
} sibeat_timing;

void sibeat_timing_init(sibeat_timing *timing);

/* The answer for the next beat; NULL is one without a score. */
sibeat_answer sibeat_timing_push(sibeat_timing *timing, const sibeat_timed *beat);

/* Whether a beat of an earlier answer is premature, as far as is known now. Its score, interval and flags count. */
int sibeat_timing_confirm(const sibeat_timing *timing, const sibeat_answer *answer);

/* Where a score lies among the valleys that there may be, 0 to SIBEAT_HEAPS_BINS, and a score that lies there. */
int sibeat_timing_bin_of(float score);
float sibeat_timing_score_of(int bin);

/* Whether the intervals between the newest normal beats are scattered. */
int sibeat_timing_is_scattered(const sibeat_timing *timing);

/* Whether the whole rhythm is irregular. */
int sibeat_timing_is_irregular(const sibeat_timing *timing);

#ifdef __cplusplus
}
#endif

#endif
