/* SPDX-License-Identifier: MIT */
#include "sibeat_wearer.h"

#if SIBEAT_RHYTHM_FEATURES

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "sibeat_preprocess.h"
#include "sibeat_ticks.h"

/* As in sibeat_edge.beats.rhythm: the last features describe the rhythm as a whole, and not the single beat. */
#define OF_A_BEAT 6

#define LARGEST 1e6f /* mV: a sample that is none, whose square may be no number */

/* Places of a window that is not packed. */
#define NOWHERE SIBEAT_NOWHERE
#define SOURCE (SIBEAT_NOWHERE - 1) /* where it can be read again */

/* What comes behind a beat. */
#define PAUSE 1
#define KNOWN_PAUSE 2
#define GAP 4
#define FOLLOWS 8 /* whether it is fit, and the beat before was */
#define CLEAN 16  /* whether the template may learn from it; until it has had its turn */

typedef char sibeat_wearer_counts_in_bytes[SIBEAT_HELD_MOST <= UINT8_MAX && SIBEAT_WINDOWS < SOURCE ? 1 : -1];

void sibeat_wearer_start(sibeat_wearer *wearer, int waits)
{
    memset(wearer, 0, sizeof *wearer);
    wearer->waits = waits != 0;
    wearer->after_newest = NAN;
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

static uint16_t code_of(float likeness)
{
    const float code = (likeness - SIBEAT_LEAST_LIKENESS) * SIBEAT_LIKENESSES + 1.0f;

    if (!isfinite(likeness))
        return 0;
    return code < 1.0f ? 1 : code < (float)UINT16_MAX ? (uint16_t)code : UINT16_MAX;
}

static float likeness_of(uint16_t code)
{
    return code ? (float)(code - 1) / SIBEAT_LIKENESSES + SIBEAT_LEAST_LIKENESS : NAN;
}

/* The beat of a number, counted from 0 among all. */
static sibeat_held *beat_at(sibeat_wearer *wearer, uint32_t number)
{
    return &wearer->beats[number % SIBEAT_HELD_MOST];
}

static uint32_t oldest(const sibeat_wearer *wearer)
{
    return wearer->total - wearer->held;
}

/* Beats that have been learnt from. */
static uint32_t learnt(const sibeat_wearer *wearer)
{
    return wearer->total - wearer->queued;
}

/* The interval before a beat that has been learnt from; 0 if not between two fit ones. */
static uint16_t interval_at(const sibeat_wearer *wearer, uint32_t number)
{
    const sibeat_held *beat = &wearer->beats[number % SIBEAT_HELD_MOST];

    if (number - oldest(wearer) >= wearer->held)
        return wearer->intervals[number % SIBEAT_INTERVALS];
    return beat->behind & FOLLOWS ? beat->rr : 0;
}

static void let_go(sibeat_wearer *wearer, sibeat_held *beat)
{
    sibeat_template_let_go(&wearer->own, beat->place);
    beat->place = NOWHERE;
}

/* In a warm-up, let the oldest window go of those that have been learnt from, if there is one too many. */
static void forget_oldest(sibeat_wearer *wearer)
{
    uint32_t first = learnt(wearer);
    int fit = 0;

    for (uint32_t number = first; number-- != oldest(wearer);)
        if (beat_at(wearer, number)->place != NOWHERE) {
            first = number;
            fit++;
        }
    if (fit > SIBEAT_WARM_UP)
        let_go(wearer, beat_at(wearer, first));
}

/* Learn from the oldest beat that is queued. */
static void learn(sibeat_wearer *wearer, const float *window)
{
    sibeat_held *beat = beat_at(wearer, learnt(wearer));
    const int is_clean = beat->behind & CLEAN;

    if (!is_clean && !wearer->own.kind_count)
        let_go(wearer, beat);
    const int fit = beat->place != NOWHERE;
    const uint16_t interval = fit && wearer->was_fit ? beat->rr : 0;
    const uint8_t place = beat->place < SIBEAT_WINDOWS ? beat->place : SIBEAT_NOWHERE;

    wearer->was_fit = (uint8_t)fit;
    wearer->behind = beat->behind & (uint8_t)~CLEAN;
    beat->behind = interval ? FOLLOWS : 0;
    wearer->queued--;
    if (fit && !wearer->own.kind_count)
        forget_oldest(wearer);
    if (fit && is_clean)
        sibeat_template_push(&wearer->own, window, place, sibeat_seconds_of(interval));
}

/* Whether a beat has no window in a warm-up: it gets no score, whenever that ends. */
static int is_hopeless(sibeat_wearer *wearer, uint32_t number)
{
    return !wearer->own.kind_count && beat_at(wearer, number)->place == NOWHERE;
}

/* Make the views ready of all beats that have been learnt from but so many. */
static void release(sibeat_wearer *wearer, int waiting, float after_newest)
{
    const int held = wearer->held - wearer->queued;

    wearer->after_newest = after_newest;
    while (wearer->ready < held &&
           (held - wearer->ready > waiting || is_hopeless(wearer, oldest(wearer) + wearer->ready)))
        wearer->ready++;
}

static void release_waiting(sibeat_wearer *wearer)
{
    if (wearer->own.searched == SIBEAT_SEARCH_NONE)
        release(wearer, wearer->own.kind_count ? wearer->waits : SIBEAT_HELD, NAN);
}

static int64_t time_of(const sibeat_wearer *wearer, const sibeat_held *beat)
{
    return wearer->time + (int32_t)(beat->time - (uint32_t)wearer->time);
}

static int is_busy(const sibeat_wearer *wearer)
{
    return wearer->ready || wearer->queued || wearer->behind || wearer->is_last || wearer->own.searched;
}

int sibeat_wearer_has_room(const sibeat_wearer *wearer)
{
    return wearer->held < SIBEAT_HELD_MOST && sibeat_template_has_room(&wearer->own);
}

/* Where the window of a beat goes that is about to be added. */
static uint8_t place_for(sibeat_wearer *wearer, const float *window, int is_at_once)
{
    if (!is_fit(window))
        return NOWHERE;
    if (!is_at_once || !wearer->own.kind_count)
        return sibeat_template_hold(&wearer->own, window);
    return SOURCE;
}

void sibeat_wearer_push(sibeat_wearer *wearer, const sibeat_beat *beat)
{
    const int is_at_once = !is_busy(wearer);
    sibeat_held *added = beat_at(wearer, wearer->total);

    if (!sibeat_wearer_has_room(wearer))
        return;
    added->time = (uint32_t)beat->time;
    added->likeness = code_of(beat->likeness);
    added->note = beat->note;
    added->rr = sibeat_ticks_of(beat->rr);
    added->behind = beat->is_clean ? CLEAN : 0;
    added->place = place_for(wearer, beat->window, is_at_once);
    wearer->time = beat->time;
    wearer->total++;
    wearer->held++;
    wearer->queued++;
    if (is_at_once) {
        learn(wearer, beat->window);
        release_waiting(wearer);
    }
}

static void read(const sibeat_wearer *wearer, const sibeat_held *beat, const sibeat_source *source)
{
    sibeat_room *room = source->room;

    if (beat->place == SOURCE)
        source->read(source->context, time_of(wearer, beat), room->window);
    else
        sibeat_unpack(&wearer->own.windows[beat->place], room->window, room->rest.levels);
}

void sibeat_wearer_keep(sibeat_wearer *wearer, const sibeat_source *source)
{
    /* Where something is left to do, the newest beat and the one before wait for longer than until the next one. */
    for (uint32_t number = wearer->total; is_busy(wearer) && number-- != oldest(wearer);) {
        sibeat_held *beat = beat_at(wearer, number);
        if (beat->place == SOURCE) {
            read(wearer, beat, source);
            beat->place = sibeat_template_hold(&wearer->own, source->room->window);
        }
    }
}

void sibeat_wearer_done(sibeat_wearer *wearer)
{
    const uint32_t number = oldest(wearer);

    if (!wearer->ready)
        return;
    wearer->intervals[number % SIBEAT_INTERVALS] = interval_at(wearer, number);
    let_go(wearer, beat_at(wearer, number));
    wearer->held--;
    wearer->ready--;
}

int sibeat_wearer_advance(sibeat_wearer *wearer, const sibeat_source *source)
{
    const uint8_t behind = wearer->behind;

    if (wearer->ready)
        return 1;
    if (sibeat_template_search(&wearer->own, source->room)) {
        release_waiting(wearer);
        return 1;
    }
    wearer->behind = 0;
    if (behind & GAP)
        wearer->was_fit = 0;
    if (behind) {
        if (wearer->own.kind_count)
            release(wearer, 0, behind & KNOWN_PAUSE ? SIBEAT_LONGEST_RR : NAN);
        wearer->is_last = 1;
        return 1;
    }
    if (!wearer->queued)
        return 0;
    const sibeat_held *beat = beat_at(wearer, learnt(wearer));
    if (beat->place != NOWHERE)
        read(wearer, beat, source);
    learn(wearer, source->room->window);
    release_waiting(wearer);
    return 1;
}

/* What comes behind the newest beat, be it queued or not. */
static uint8_t *behind_newest(sibeat_wearer *wearer)
{
    return wearer->queued ? &beat_at(wearer, wearer->total - 1)->behind : &wearer->behind;
}

void sibeat_wearer_pause(sibeat_wearer *wearer, int is_known)
{
    uint8_t *behind = behind_newest(wearer);

    if (!(*behind & ~CLEAN)) /* else the newest beat waits no longer */
        *behind = (uint8_t)(*behind | (is_known ? PAUSE | KNOWN_PAUSE : PAUSE));
}

void sibeat_wearer_interrupt(sibeat_wearer *wearer)
{
    uint8_t *behind = behind_newest(wearer);

    *behind = (uint8_t)(*behind | GAP);
}

void sibeat_wearer_finish(sibeat_wearer *wearer, const sibeat_source *source)
{
    wearer->was_fit = 0;
    if (!wearer->own.kind_count && wearer->own.other_count >= SIBEAT_FEWEST_BEATS)
        sibeat_template_settle(&wearer->own);
    while (sibeat_template_search(&wearer->own, source->room))
        ;
    release(wearer, 0, NAN);
    wearer->is_last = 1;
}

/* The interval before the beat of a number, s, which may lie before the first one or behind the newest. */
static float interval_of(const sibeat_wearer *wearer, uint32_t number)
{
    return number < learnt(wearer) ? sibeat_seconds_of(interval_at(wearer, number)) : NAN;
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
        after = number + 1 < learnt(wearer) ? interval_of(wearer, number + 1) : wearer->after_newest;
    sibeat_rhythm_features(history, SIBEAT_HISTORY, recent, after, features);
}

int sibeat_wearer_view_of(sibeat_wearer *wearer, int number, const sibeat_source *source,
                          sibeat_wearer_view *view)
{
    const uint32_t place = oldest(wearer) + (uint32_t)number;
    const sibeat_held *beat = &wearer->beats[place % SIBEAT_HELD_MOST];

    memset(view, 0, sizeof *view);
    if (number < 0 || number >= wearer->ready)
        return 0;
    view->beat.time = time_of(wearer, beat);
    view->beat.rr = sibeat_seconds_of(beat->rr);
    view->beat.likeness = likeness_of(beat->likeness);
    view->beat.note = beat->note;
    if (beat->place == NOWHERE || !wearer->own.kind_count)
        return 0;
    read(wearer, beat, source);
    view->beat.window = source->room->window;
    view->own = sibeat_template_nearest(&wearer->own, view->beat.window);
    put_rhythm(wearer, place, view->features);
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
