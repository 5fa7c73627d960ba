/* SPDX-License-Identifier: MIT */
#include "sibeat_alarms.h"

#include <string.h>

void sibeat_alarms_init(sibeat_alarms *alarms, unsigned told, int64_t quiet)
{
    memset(alarms, 0, sizeof *alarms);
    alarms->told = (uint8_t)told;
    alarms->quiet = quiet;
}

static void note(sibeat_alarms *alarms, const sibeat_episode *episode)
{
    const int what = episode->what;

    if (what >= SIBEAT_EPISODE_KINDS)
        return;
    if (what != SIBEAT_PAUSE && !episode->goes_on) {
        alarms->is_open[what] = 0;
        return;
    }
    if (!alarms->is_open[what])
        alarms->begun[what] = alarms->next++;
    alarms->is_open[what] = 1;
    alarms->start[what] = episode->start;
    if (what == SIBEAT_PAUSE)
        alarms->end = episode->end;
}

static int is_due(const sibeat_alarms *alarms, int what, int64_t time)
{
    const int64_t passed = time - alarms->at[what];

    if (!alarms->is_open[what] || !(alarms->told >> what & 1))
        return 0;
    return !alarms->was_told[what] || passed > alarms->quiet || -passed > alarms->quiet;
}

int sibeat_alarms_push(sibeat_alarms *alarms, const sibeat_episode *found, int count, int64_t time,
                       sibeat_episode told[SIBEAT_EPISODES_MOST])
{
    int telling = 0;

    for (int k = 0; k < count; k++)
        note(alarms, &found[k]);
    for (;;) { /* in the order in which they began */
        int first = -1;
        for (int what = 0; what < SIBEAT_EPISODE_KINDS; what++)
            if (is_due(alarms, what, time) && (first < 0 || alarms->begun[what] < alarms->begun[first]))
                first = what;
        if (first < 0)
            break;
        const sibeat_episode episode = {alarms->start[first], first == SIBEAT_PAUSE ? alarms->end : 0, (uint8_t)first,
                                        first != SIBEAT_PAUSE};
        told[telling++] = episode;
        alarms->at[first] = time;
        alarms->was_told[first] = 1;
        alarms->is_open[first] = 0;
    }
    alarms->is_open[SIBEAT_PAUSE] = 0; /* it is told at once, or not at all */
    return telling;
}
