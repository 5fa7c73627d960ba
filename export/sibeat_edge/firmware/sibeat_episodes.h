/* SPDX-License-Identifier: MIT */
/*
 * Episodes: what goes on for a while, begins and ends, and is told once instead of beat by beat.
 * sibeat_edge.beats.episodes is the definition. Which of them a device tells is for sibeat_alarms to say.
 *
 * Times are in ticks, samples at 360 Hz, since whatever moment the firmware chooses.
 */
#ifndef SIBEAT_EPISODES_H
#define SIBEAT_EPISODES_H

#include <stdint.h>

#include "sibeat_floats.h"
#include "sibeat_ticks.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_EPISODES_AMONG 60  /* newest beats that are kept */
#define SIBEAT_EPISODES_MOST 8    /* that one beat begins or ends */

typedef enum {
    SIBEAT_VENTRICULAR_RUN = 0, /* 3 or more in a row */
    SIBEAT_SUPRAVENTRICULAR_RUN,
    SIBEAT_BIGEMINY,         /* every second of 6 beats is ectopic */
    SIBEAT_FREQUENT_ECTOPY,  /* 6 of 60 beats are; until there are fewer than 3 */
    SIBEAT_IRREGULAR_RHYTHM, /* at 30 of 40 beats; until there are fewer than 10 */
    SIBEAT_BRADYCARDIA,      /* below 40 beats a minute, by the median of 8 intervals; until 44 */
    SIBEAT_TACHYCARDIA,      /* above 120; until 110 */
    SIBEAT_PAUSE,            /* 3 s or more between two beats with a score; it is over when it is found */
    SIBEAT_EPISODE_KINDS
} sibeat_episode_kind;

typedef struct {
    int64_t start, end; /* ticks, of the first and the last beat; end counts where it does not go on */
    uint8_t what;       /* a sibeat_episode_kind */
    uint8_t goes_on;
} sibeat_episode;

/* A beat with its verdict, the first one or the last. */
typedef struct {
    int64_t time; /* ticks; less than 69 days from those of the beats that are kept */
    float rr;     /* s since the R-peak before, above 0 and below 1e6; all else counts as NAN, not known */
    char kind;    /* 'N', 'S', 'V', or 0 without a score, as in sibeat_verdict */
    uint8_t is_irregular;
} sibeat_judged_beat;

/* A beat that is kept. */
typedef struct {
    uint32_t time; /* the lower half */
    uint16_t rr;   /* as of sibeat_ticks_of */
    char kind;
    uint8_t is_irregular;
} sibeat_kept_beat;

/* Zeroed, it has seen no beats. */
typedef struct {
    sibeat_kept_beat beats[SIBEAT_EPISODES_AMONG]; /* a ring */
    int64_t time;                                  /* of the newest */
    int64_t start[SIBEAT_PAUSE];
    uint32_t opened[SIBEAT_PAUSE], ended[SIBEAT_PAUSE]; /* beats at which each kind began, and ended, last */
    uint32_t seen;                                      /* beats so far */
    uint8_t is_open[SIBEAT_PAUSE];
    uint8_t next, count; /* of the ring */
} sibeat_episodes;

void sibeat_episodes_start(sibeat_episodes *episodes);

/*
 * Add a beat, in order of time. Returns how many episodes begin or end with it, and sets the first of found to them,
 * each as it is then. It takes some hundred comparisons.
 */
int sibeat_episodes_push(sibeat_episodes *episodes, const sibeat_judged_beat *beat,
                         sibeat_episode found[SIBEAT_EPISODES_MOST]);

/* The same for those that the stream's end ends. Beats pushed afterwards begin anew. */
int sibeat_episodes_finish(sibeat_episodes *episodes, sibeat_episode found[SIBEAT_EPISODES_MOST]);

#ifdef __cplusplus
}
#endif

#endif
