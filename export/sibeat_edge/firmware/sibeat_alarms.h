/* SPDX-License-Identifier: MIT */
/*
 * Which episodes a device tells, and when: each at its beginning, a pause once it is over. For a while behind one that
 * was told, another of its kind is not; if it still goes on then, it is told. As AlarmPolicy of
 * sibeat_edge.beats.episodes. Of single beats, k among n are what is told: SIBEAT_FREQUENT_ECTOPY.
 */
#ifndef SIBEAT_ALARMS_H
#define SIBEAT_ALARMS_H

#include "sibeat_episodes.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_TELL(what) (1u << (what))
/* By default a device tells what may need somebody. To be fast is usual for who moves. */
#define SIBEAT_TOLD                                                                                                    \
    (SIBEAT_TELL(SIBEAT_VENTRICULAR_RUN) | SIBEAT_TELL(SIBEAT_SUPRAVENTRICULAR_RUN) |                                  \
     SIBEAT_TELL(SIBEAT_IRREGULAR_RHYTHM) | SIBEAT_TELL(SIBEAT_FREQUENT_ECTOPY) | SIBEAT_TELL(SIBEAT_PAUSE) |          \
     SIBEAT_TELL(SIBEAT_BRADYCARDIA))
#define SIBEAT_QUIET (60 * (int64_t)SIBEAT_TICKS)

typedef struct {
    int64_t start[SIBEAT_EPISODE_KINDS]; /* of those that have begun, and have not been told, */
    int64_t end;                         /* and of a pause, which is over */
    int64_t at[SIBEAT_EPISODE_KINDS];          /* when each kind was told last */
    int64_t quiet;
    uint32_t begun[SIBEAT_EPISODE_KINDS]; /* in which order */
    uint32_t next;
    uint8_t is_open[SIBEAT_EPISODE_KINDS], was_told[SIBEAT_EPISODE_KINDS];
    uint8_t told; /* kinds that are told */
} sibeat_alarms;

/*
 * told: the kinds that are told, such as SIBEAT_TOLD. quiet: ticks behind the telling of an episode, in which another
 * one of its kind is not told, such as SIBEAT_QUIET.
 */
void sibeat_alarms_init(sibeat_alarms *alarms, unsigned told, int64_t quiet);

/*
 * For each beat, give what sibeat_episodes_push has found, often nothing, and the beat's time in ticks. Returns how
 * many episodes are to be told now, and sets the first of told to them.
 */
int sibeat_alarms_push(sibeat_alarms *alarms, const sibeat_episode *found, int count, int64_t time,
                       sibeat_episode told[SIBEAT_EPISODES_MOST]);

#ifdef __cplusplus
}
#endif

#endif
