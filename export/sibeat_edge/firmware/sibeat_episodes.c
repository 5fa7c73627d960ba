/* SPDX-License-Identifier: MIT */
#include "sibeat_episodes.h"

#include <math.h>
#include <string.h>

#include "sibeat_newest.h"

/* As in sibeat_edge.beats.episodes, where each is explained. */
#define RUN 3
#define BIGEMINY 6
#define FREQUENT 6
#define AMONG 60
#define RARE 3
#define IRREGULAR 30
#define OVER 40
#define REGULAR 10
#define PAUSE 3.0f
#define RATED 8
#define SLOW 1.5f
#define SLOW_ENDS 1.363636364f
#define FAST 0.5f
#define FAST_ENDS 0.545454545f

#define LONGEST 1e6f /* s, 11 days: no interval between two beats is as long */

typedef char sibeat_episodes_keep[SIBEAT_EPISODES_AMONG == AMONG && RATED <= SIBEAT_NEWEST ? 1 : -1];

/* The beat so many before the newest. */
static const sibeat_kept_beat *earlier(const sibeat_episodes *episodes, int beats)
{
    return &episodes->beats[(episodes->next + 2 * AMONG - 1 - beats) % AMONG];
}

static int64_t time_of(const sibeat_episodes *episodes, int beats)
{
    return episodes->time + (int32_t)(earlier(episodes, beats)->time - (uint32_t)episodes->time);
}

static int is_ectopic(const sibeat_kept_beat *beat)
{
    return beat->kind == 'S' || beat->kind == 'V';
}

/* Each rule returns how many beats an episode has, or 0 where there is none, or none any longer. */

static int run_of(const sibeat_episodes *episodes, char kind, int is_open)
{
    int row = 0, is_joined = !(is_open && !earlier(episodes, 0)->rr);

    while (row < episodes->count && is_joined && earlier(episodes, row)->kind == kind)
        is_joined = earlier(episodes, row++)->rr != 0; /* else a gap lies before it */
    return row >= (is_open ? 1 : RUN) ? row : 0;
}

static int bigeminy(const sibeat_episodes *episodes)
{
    if (episodes->count < BIGEMINY)
        return 0;
    for (int k = 0; k < BIGEMINY; k++) {
        const sibeat_kept_beat *beat = earlier(episodes, k);
        const int is_first = k == BIGEMINY - 1;
        if (!beat->kind || (!is_first && !beat->rr))
            return 0;
        if (!is_first && is_ectopic(beat) == is_ectopic(earlier(episodes, k + 1)))
            return 0;
    }
    return BIGEMINY;
}

static int frequent(const sibeat_episodes *episodes, int is_open)
{
    int ectopic = 0, length = 0;

    for (int k = 0; k < episodes->count; k++)
        if (is_ectopic(earlier(episodes, k))) {
            ectopic++;
            length = k + 1;
        }
    return ectopic >= (is_open ? RARE : FREQUENT) ? length : 0;
}

static int irregular(const sibeat_episodes *episodes, int is_open)
{
    int known = 0, found = 0, length = 0;

    for (int k = 0; k < episodes->count && known < OVER; k++) {
        known += earlier(episodes, k)->kind != 0;
        if (earlier(episodes, k)->kind && earlier(episodes, k)->is_irregular) {
            found++;
            length = k + 1;
        }
    }
    return found >= (is_open ? REGULAR : IRREGULAR) ? length : 0;
}

/* The median of the newest RR intervals, s; NAN where one of them is not known. */
static float usual(const sibeat_episodes *episodes)
{
    float known[RATED];

    if (episodes->count < RATED)
        return NAN;
    for (int k = 0; k < RATED; k++) {
        if (!earlier(episodes, k)->kind || !earlier(episodes, k)->rr)
            return NAN;
        known[k] = sibeat_seconds_of(earlier(episodes, k)->rr);
    }
    return sibeat_median(known, RATED);
}

static int rule(const sibeat_episodes *episodes, int what, int is_open)
{
    switch (what) {
    case SIBEAT_VENTRICULAR_RUN:
        return run_of(episodes, 'V', is_open);
    case SIBEAT_SUPRAVENTRICULAR_RUN:
        return run_of(episodes, 'S', is_open);
    case SIBEAT_BIGEMINY:
        return bigeminy(episodes);
    case SIBEAT_FREQUENT_ECTOPY:
        return frequent(episodes, is_open);
    case SIBEAT_IRREGULAR_RHYTHM:
        return irregular(episodes, is_open);
    case SIBEAT_BRADYCARDIA:
        return usual(episodes) > (is_open ? SLOW_ENDS : SLOW) ? RATED : 0; /* not where it is NAN */
    default:
        return usual(episodes) < (is_open ? FAST_ENDS : FAST) ? RATED : 0;
    }
}

void sibeat_episodes_start(sibeat_episodes *episodes)
{
    memset(episodes, 0, sizeof *episodes);
}

static sibeat_episode ended(sibeat_episodes *episodes, int what, int64_t end)
{
    const sibeat_episode episode = {episodes->start[what], end, (uint8_t)what, 0};

    episodes->is_open[what] = 0;
    return episode;
}

static sibeat_episode begun(sibeat_episodes *episodes, int what, int length)
{
    const uint32_t since = episodes->seen - episodes->ended[what]; /* a beat is of one episode of a kind */
    const int beats = (uint32_t)length < since ? length : (int)since;
    const sibeat_episode episode = {time_of(episodes, beats - 1), 0, (uint8_t)what, 1};

    episodes->is_open[what] = 1;
    episodes->opened[what] = episodes->seen;
    episodes->start[what] = episode.start;
    return episode;
}

int sibeat_episodes_push(sibeat_episodes *episodes, const sibeat_judged_beat *beat,
                         sibeat_episode found[SIBEAT_EPISODES_MOST])
{
    const int has_previous = episodes->count > 0;
    const int64_t previous = has_previous ? episodes->time : beat->time;
    const int was_scored = has_previous && earlier(episodes, 0)->kind;
    const float rr = beat->rr > 0.0f && beat->rr < LONGEST ? beat->rr : NAN;
    int count = 0;

    episodes->beats[episodes->next].time = (uint32_t)beat->time;
    episodes->beats[episodes->next].rr = sibeat_ticks_of(rr);
    episodes->beats[episodes->next].kind = beat->kind;
    episodes->beats[episodes->next].is_irregular = beat->is_irregular;
    episodes->time = beat->time;
    episodes->next = (uint8_t)((episodes->next + 1) % AMONG);
    episodes->count = (uint8_t)(episodes->count < AMONG ? episodes->count + 1 : AMONG);
    episodes->seen++;
    for (int what = 0; what < SIBEAT_PAUSE; what++) {
        const int is_open = episodes->is_open[what], length = rule(episodes, what, is_open);
        if (length && !is_open) {
            found[count++] = begun(episodes, what, length);
        } else if (!length && is_open) {
            found[count++] = ended(episodes, what, previous);
            episodes->ended[what] = episodes->seen - 1;
        }
    }
    if (was_scored && beat->kind && rr >= PAUSE) { /* noise makes pauses, too */
        const int32_t length = (int32_t)(rr * (float)SIBEAT_TICKS + 0.5f); /* fits, as LONGEST does */
        const sibeat_episode pause = {beat->time - length, beat->time, SIBEAT_PAUSE, 0};
        found[count++] = pause;
    }
    return count;
}

int sibeat_episodes_finish(sibeat_episodes *episodes, sibeat_episode found[SIBEAT_EPISODES_MOST])
{
    int count = 0;

    for (;;) { /* in the order in which they began */
        int first = -1;
        for (int what = 0; what < SIBEAT_PAUSE; what++)
            if (episodes->is_open[what] && (first < 0 || episodes->opened[what] < episodes->opened[first]))
                first = what;
        if (first < 0)
            break;
        found[count++] = ended(episodes, first, episodes->time);
    }
    episodes->count = 0;
    return count;
}
