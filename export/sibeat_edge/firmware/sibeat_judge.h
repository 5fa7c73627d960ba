/* SPDX-License-Identifier: MIT */
/*
 * What kind each beat is, by its shape and by its time: normal, supraventricular or ventricular. A score above the
 * threshold alone is no alarm: noise makes it, too. sibeat_edge.beats.judge and .evidence are the definition.
 *
 * Keep one sibeat_judge for each wearer, also across gaps in the signal. A beat takes as long as some 35,000
 * multiplications.
 *
 * A beat is judged twice: once the next beat is there, and again SIBEAT_JUDGE_LATER beats later, with what has been
 * learnt since. For each beat, in order of time:
 *
 *     if (sibeat_judge_push(&judge, &beat, &verdict))
 *         ...the first verdict, on the beat before this one
 *     while (sibeat_judge_settle(&judge, 0, &verdict))
 *         ...the last verdict, on the oldest beat without one
 *
 * Where no beat comes for some seconds, and where the signal ends, call sibeat_judge_finish in place of
 * sibeat_judge_push. At the end, call sibeat_judge_settle with at_end 1.
 */
#ifndef SIBEAT_JUDGE_H
#define SIBEAT_JUDGE_H

#include <stdint.h>

#include "sibeat_shape.h"
#include "sibeat_ticks.h"
#include "sibeat_timing.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_JUDGE_LATER 300   /* beats after which a beat is judged again */
#define SIBEAT_JUDGE_KINDS 12    /* of beats */
#define SIBEAT_JUDGE_BELIEVED 8  /* of them, those above the threshold that were believed */
#define SIBEAT_JUDGE_HISTORY 20  /* RR intervals whose median is the usual one */

/* A beat. Scores are in units of the model's threshold, above 0: score / SIBEAT_THRESHOLD. */
typedef struct {
    float rr;           /* s since the R-peak before; NAN across a gap, and for the first beat */
    float likeness;     /* to the beats before, dB, as sibeat_edge.beats.alignment has it; NAN if not known */
    const sibeat_look *look; /* of sibeat_judge_look; NULL for one without a score */
    float score;        /* as it is */
    float timing_score; /* of the template in its place, with the beat's rhythm */
    float shape_score;  /* of the beat with zeros for all features but spread and range, as if on time; or NAN */
    float limit;        /* threshold that holds for it: 1, or the wearer's own */
    uint8_t is_over;    /* whether its score lies above the threshold */
} sibeat_seen;

/* What a beat is. A beat without a score has the kind 0. */
typedef struct {
    char kind;            /* 'N', 'S' (premature, of the wearer's own shape), 'V' (of another shape), or 0 */
    uint8_t by_shape;     /* whether its shape is abnormal, */
    uint8_t by_timing;    /* and whether its time is */
    uint8_t is_irregular; /* whether the whole rhythm is irregular at this beat */
    int32_t group;        /* number of the kind of beats that it was gathered with, or -1 */
} sibeat_verdict;

/* From here to sibeat_judge is what it keeps. */

/* A beat among those around the one that is judged. */
typedef struct {
    float rr, likeness, away; /* away: distance from the template outside of the QRS; NAN without a score */
    uint8_t is_over, is_scored;
} sibeat_neighbour;

/* The beat that waits for the next one, if it has a score. */
typedef struct {
    sibeat_look look;
    float score, timing_score, shape_score, limit;
} sibeat_awaiting;

/* A number from -1 to 1, in SIBEAT_SHARES. */
typedef int16_t sibeat_share;
#define SIBEAT_SHARES 32767.0f

/* A threshold, in units of the model's, in SIBEAT_LIMITS; below 8. */
typedef int16_t sibeat_limit;
#define SIBEAT_LIMITS 4096.0f

/* Believed beats of one shape. */
typedef struct {
    sibeat_share mean[SIBEAT_SHAPE_SIZE];
    uint32_t count, last; /* beats, and number of the last one */
} sibeat_believed;

/* Clean beats of one shape, and the means over the last of them. */
typedef struct {
    sibeat_share mean[SIBEAT_SHAPE_SIZE]; /* of length 1 */
    uint32_t count, last;
    int32_t number;  /* in order of appearance */
    float premature; /* share of the usual RR interval by which they were early */
    float score, shape_score;
    float likeness;  /* of the QRS to the template's */
    float irregular; /* share of the beats that came in an irregular rhythm */
} sibeat_gathered;

/* Sizes of beats of the wearer's own shape, logarithms. */
typedef struct {
    float own, spread; /* mean of those on time, NAN if not known, and their mean deviation from it */
    float premature;   /* mean of the premature ones */
    uint8_t count;     /* of premature ones, as far as it matters */
} sibeat_sizes;

/* What has to be kept of a beat to judge it again, and a threshold. */
typedef struct {
    unsigned interval : 11; /* of sibeat_answer, as of sibeat_ticks_of: those of more than 3 s are not short */
    unsigned bin : 6;       /* of its timing score, as of sibeat_timing_bin_of */
    unsigned kind : 4;      /* its place, or one of those below */
    unsigned is_scored : 1, is_fit : 1, is_certain : 1, is_in_row : 1, is_early : 1, is_irregular : 1;
    unsigned is_odd : 1; /* or, when its kind was forgotten, whether that made it ventricular, */
    unsigned is_far : 1; /* and whether it was far */
} sibeat_known;

#define SIBEAT_JUDGE_NO_KIND 15
#define SIBEAT_JUDGE_KIND_FORGOTTEN 14

typedef struct {
    int centre, length, leads; /* of a window */
    sibeat_neighbour beats[SIBEAT_JUDGE_HISTORY + 2]; /* the newest, the oldest first */
    uint8_t beat_count, is_waiting; /* whether the newest one has no verdict */
    sibeat_awaiting awaiting;
    sibeat_newest intervals;
    sibeat_believed believed[SIBEAT_JUDGE_BELIEVED];
    sibeat_gathered kinds[SIBEAT_JUDGE_KINDS];
    uint8_t believed_count, kind_count;
    uint32_t overs; /* beats above the threshold so far */
    uint32_t clean; /* clean beats so far */
    int32_t begun;  /* kinds so far */
    sibeat_sizes sizes;
    sibeat_timing timing;
    sibeat_known known[SIBEAT_JUDGE_LATER + 1]; /* a ring */
    sibeat_limit limits[SIBEAT_JUDGE_LATER + 1]; /* theirs; of a beat of a forgotten kind, that kind's number */
    uint16_t first_known, known_count;
} sibeat_judge;

/* First. centre, length, leads: SIBEAT_BEFORE, SIBEAT_LENGTH and SIBEAT_LEADS of the model. */
void sibeat_judge_init(sibeat_judge *judge, int centre, int length, int leads);

/*
 * Look at a beat's window and its template, both as for sibeat_quantise_beside. Returns 0 where one is NULL or holds what
 * is no number: then it is a beat without a score. work: SIBEAT_LOOK_FLOATS floats.
 */
int sibeat_judge_look(const sibeat_judge *judge, const float *window, const float *own, float *work, sibeat_look *look);

/*
 * Whether a beat's shape_score is needed, as its shape is odd. Most of a wearer's beats are not, and save this run of
 * the model: give NAN for them.
 */
int sibeat_judge_needs_shape(const sibeat_look *look);

/*
 * Add a beat, scored or not. Returns 1 and sets *verdict where the beat before it has waited for this one. An interval
 * that is not above 0 and below 1e6 s counts as not known, and a beat of which a score is no number as one without a
 * score. A judge of zeros, without init, does nothing.
 */
int sibeat_judge_push(sibeat_judge *judge, const sibeat_seen *beat, sibeat_verdict *verdict);

/* The same for the beat that waits, if any, as no beat follows soon. Beats may be pushed afterwards. */
int sibeat_judge_finish(sibeat_judge *judge, sibeat_verdict *verdict);

/*
 * Returns 1 and sets *verdict to the last verdict on the oldest beat without one, if it is time for it; at_end: or if
 * the beat has a first verdict. Who calls it less often than after each first verdict loses the oldest ones.
 */
int sibeat_judge_settle(sibeat_judge *judge, int at_end, sibeat_verdict *verdict);

#ifdef __cplusplus
}
#endif

#endif
