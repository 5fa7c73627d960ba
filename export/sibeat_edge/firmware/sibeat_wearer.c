/* SPDX-License-Identifier: MIT */
#include "sibeat_wearer.h"

#if SIBEAT_RHYTHM_FEATURES

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "sibeat_preprocess.h"

/* As in sibeat_edge.beats.rhythm: the last features describe the rhythm as a whole, and not the single beat. */
#define OF_A_BEAT 6

#define LARGEST 1e6f /* mV: a sample that is none, whose square may be no number */

typedef char sibeat_wearer_counts_in_bytes[SIBEAT_HELD + 1 <= UINT8_MAX ? 1 : -1];

void sibeat_wearer_start(sibeat_wearer *wearer, int waits, sibeat_older *older)
{
    memset(wearer, 0, sizeof *wearer);
    wearer->waits = waits != 0;
    wearer->older = older;
}

static int is_fit(const float *window)
{
    if (!window)
        return 0;
    for (int k = 0; k < SIBEAT_WINDOW_SIZE; k++)
        if (!(fabsf(window[k]) < LARGEST)) /* where it is NAN, too */
            return 0;
    return 1;
}

/* The window of a fit beat, as far as it is still there; or NULL. */
static const float *window_of(const sibeat_wearer *wearer, uint32_t fit)
{
    const uint32_t newer = wearer->own.count - fit; /* fit beats behind it */

    if (!fit)
        return NULL;
    if (newer < 2)
        return wearer->newest[fit % 2];
    if (newer < SIBEAT_WARM_UP) /* of a warm-up: each of its fit beats has been put there */
        return wearer->own.others[(fit - 1) % SIBEAT_WARM_UP];
    if (wearer->older && newer < SIBEAT_WARM_UP + SIBEAT_OLDER)
        return wearer->older->windows[fit % SIBEAT_OLDER];
    return NULL;
}

/* Learn from a fit beat, the number of which among them is returned. */
static uint32_t learn(sibeat_wearer *wearer, const float *window, float interval)
{
    sibeat_template *own = &wearer->own;
    const uint32_t place = own->count % SIBEAT_WARM_UP; /* where the template is about to put this one */

    if (!own->kind_count && wearer->older && own->count >= SIBEAT_WARM_UP)
        memcpy(wearer->older->windows[(own->count - SIBEAT_WARM_UP + 1) % SIBEAT_OLDER], own->others[place],
               sizeof own->others[place]);
    sibeat_template_push(own, window, interval);
    memcpy(wearer->newest[own->count % 2], window, sizeof wearer->newest[0]);
    return own->count;
}

/* The number of the oldest beat that is held, among all. */
static uint32_t oldest(const sibeat_wearer *wearer)
{
    return wearer->total - wearer->held;
}

/* Whether a beat has no window in a warm-up: it gets no score, whenever that ends. */
static int is_hopeless(const sibeat_wearer *wearer, uint32_t number)
{
    return !wearer->own.kind_count && !wearer->beats[number % (SIBEAT_HELD + 1)].fit;
}

/* Make the views ready of all beats but so many; returns how many. */
static int release(sibeat_wearer *wearer, int waiting, float after_newest)
{
    wearer->after_newest = after_newest;
    while (wearer->ready < wearer->held &&
           (wearer->held - wearer->ready > waiting || is_hopeless(wearer, oldest(wearer) + wearer->ready)))
        wearer->ready++;
    return wearer->ready;
}

/* Give up the views that were ready. */
static void give_up(sibeat_wearer *wearer)
{
    wearer->held = (uint8_t)(wearer->held - wearer->ready);
    wearer->ready = 0;
}

int sibeat_wearer_push(sibeat_wearer *wearer, const sibeat_beat *beat)
{
    const int fit = is_fit(beat->window), place = (int)(wearer->total % (SIBEAT_HELD + 1));
    const float rr = beat->rr >= 0.0f ? beat->rr : NAN;
    const float interval = fit && wearer->was_fit ? rr : NAN;

    give_up(wearer);
    wearer->was_fit = (uint8_t)fit;
    wearer->intervals[wearer->total % SIBEAT_INTERVALS] = interval;
    wearer->beats[place].time = beat->time;
    wearer->beats[place].rr = rr;
    wearer->beats[place].likeness = beat->likeness;
    wearer->beats[place].fit = fit ? learn(wearer, beat->window, interval) : 0;
    wearer->total++;
    wearer->held++;
    return release(wearer, wearer->own.kind_count ? wearer->waits : SIBEAT_HELD, NAN);
}

int sibeat_wearer_pause(sibeat_wearer *wearer, int is_known)
{
    give_up(wearer);
    if (!wearer->own.kind_count)
        return 0;
    return release(wearer, 0, is_known ? SIBEAT_LONGEST_RR : NAN);
}

int sibeat_wearer_interrupt(sibeat_wearer *wearer)
{
    give_up(wearer);
    wearer->was_fit = 0;
    return wearer->own.kind_count ? release(wearer, 0, NAN) : 0;
}

int sibeat_wearer_finish(sibeat_wearer *wearer)
{
    give_up(wearer);
    wearer->was_fit = 0;
    if (!wearer->own.kind_count && wearer->own.other_count >= SIBEAT_FEWEST_BEATS)
        sibeat_template_settle(&wearer->own);
    return release(wearer, 0, NAN);
}

/* The interval before the beat of a number, which may lie before the first one or behind the newest. */
static float interval_of(const sibeat_wearer *wearer, uint32_t number)
{
    return number < wearer->total ? wearer->intervals[number % SIBEAT_INTERVALS] : NAN;
}

/* The first beats of a warm-up are relative to those that follow, too. */
static void put_rhythm(const sibeat_wearer *wearer, uint32_t number, float *features)
{
    const uint32_t first = number > SIBEAT_HISTORY + 2 ? number - SIBEAT_HISTORY - 2 : 0;
    float history[SIBEAT_HISTORY], recent[3], after = NAN;

    for (uint32_t k = 0; k < SIBEAT_HISTORY; k++)
        history[k] = interval_of(wearer, first + k);
    for (uint32_t k = 0; k < 3; k++) /* behind the newest, too, where there is none before the first */
        recent[k] = number + k >= 2 ? interval_of(wearer, number + k - 2) : NAN;
    if (wearer->waits)
        after = number + 1 < wearer->total ? interval_of(wearer, number + 1) : wearer->after_newest;
    sibeat_rhythm_features(history, SIBEAT_HISTORY, recent, after, features);
}

int sibeat_wearer_view_of(const sibeat_wearer *wearer, int number, sibeat_wearer_view *view)
{
    const uint32_t beat = oldest(wearer) + (uint32_t)number;
    const int place = (int)(beat % (SIBEAT_HELD + 1));

    memset(view, 0, sizeof *view);
    if (number < 0 || number >= wearer->ready)
        return 0;
    view->beat.time = wearer->beats[place].time;
    view->beat.rr = wearer->beats[place].rr;
    view->beat.likeness = wearer->beats[place].likeness;
    view->beat.window = wearer->own.kind_count ? window_of(wearer, wearer->beats[place].fit) : NULL;
    if (!view->beat.window)
        return 0;
    view->own = sibeat_template_nearest(&wearer->own, view->beat.window);
    put_rhythm(wearer, beat, view->features);
    return 1;
}

int sibeat_wearer_input(const sibeat_wearer_view *view, sibeat_question question, int8_t *input)
{
    float features[SIBEAT_RHYTHM_FEATURES];

    if (!sibeat_quantise_beside(question == SIBEAT_OF_TIME ? view->own : view->beat.window, view->own, input))
        return 0;
    memcpy(features, view->features, sizeof features);
    if (question == SIBEAT_OF_SHAPE)
        memset(features, 0, OF_A_BEAT * sizeof *features);
    sibeat_quantise_rhythm(features, input);
    return 1;
}

#endif
