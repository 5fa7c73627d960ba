/* SPDX-License-Identifier: MIT */
/*
 * The wearer's own beats, with which a beat is compared, as sibeat_edge.beats.template has it. A part of sibeat_wearer.
 * Empty for a model that judges a beat alone.
 */
#ifndef SIBEAT_TEMPLATE_H
#define SIBEAT_TEMPLATE_H

#include <stdint.h>

#include "sibeat_config.h"
#include "sibeat_floats.h"
#include "sibeat_packed.h"

#if SIBEAT_RHYTHM_FEATURES
#ifdef __cplusplus
extern "C" {
#endif

/* Windows that are held: those of a warm-up, and of the beats that come until they have been judged. */
#define SIBEAT_WINDOWS (SIBEAT_WARM_UP + 4)
#define SIBEAT_NOWHERE 255 /* the place of a window that is not held */

/* What is known of a kind of the wearer's own beats besides its shape. */
typedef struct {
    float rr;       /* the usual RR interval before them, s */
    float gain;     /* sum of the logarithms of the sizes of the last beats in a row that had another size */
    uint8_t steady; /* number of these beats */
} sibeat_kind;

/* What a search for a kind among the other beats keeps from step to step. */
typedef struct {
    uint64_t similar[SIBEAT_WARM_UP]; /* to each of them, those that are, as bits */
    float sizes[SIBEAT_WARM_UP];      /* of their cores */
} sibeat_search;

/* Memory of which the first part holds nothing between two calls, and the rest nothing but a search. */
typedef struct {
    float window[SIBEAT_WINDOW_SIZE];
    union {
        sibeat_search search;
        float levels[SIBEAT_PACKED_LEVELS];
    } rest;
} sibeat_room;

/* What the other beats are searched for. */
typedef enum {
    SIBEAT_SEARCH_NONE = 0,
    SIBEAT_SEARCH_FIRST, /* the wearer's first template */
    SIBEAT_SEARCH_RIVAL  /* one more */
} sibeat_searched;

/* Zeroed, it has seen no beats. */
typedef struct {
    float middle[SIBEAT_WINDOW_SIZE];  /* the shape of one of the kinds, mV */
    int16_t other[SIBEAT_WINDOW_SIZE]; /* and that of the other one, in units; they are swapped where that one is used */
    float unit;                        /* mV */
    sibeat_kind kinds[2];              /* of both */
    uint8_t newest;                    /* which of them has learnt last */
    sibeat_packed windows[SIBEAT_WINDOWS];
    uint8_t uses[SIBEAT_WINDOWS];       /* who needs each of them: the template, and the wearer */
    uint8_t others[SIBEAT_WARM_UP];     /* places of the newest beats of no kind, or of the warm-up; a ring */
    uint16_t intervals[SIBEAT_WARM_UP]; /* theirs, as of sibeat_ticks_of */
    uint8_t kind_count;                 /* 0 in the warm-up */
    uint8_t first, other_count;
    uint8_t searched; /* a sibeat_searched */
    uint16_t step;    /* of the search: beats that have been compared, then places of the new template that are made */
    uint64_t chosen;  /* the beats that it is made of, as bits; 0 as long as they are compared */
    uint32_t count;  /* beats pushed */
    uint32_t since;  /* of them, those before the others were last searched for a kind */
    uint32_t unlike; /* beats of no kind since then */
} sibeat_template;

void sibeat_template_start(sibeat_template *own);

/* Whether one more window can be held. */
int sibeat_template_has_room(const sibeat_template *own);

/* Hold a window; returns its place, or SIBEAT_NOWHERE where all are in use. It is to be let go once. */
uint8_t sibeat_template_hold(sibeat_template *own, const float *window);
void sibeat_template_let_go(sibeat_template *own, uint8_t place);

/*
 * Learn from a beat that is fit to be scored. window: its filtered samples in mV, as for sibeat_quantise_beside, all of
 * them numbers. place: where it is held, or SIBEAT_NOWHERE. seconds: since the beat before, if that was fit, too; else
 * NAN, as which a negative one counts. Returns the number of templates; 0 in the warm-up.
 *
 * Most beats take as long as a few passes over the window. With the end of the warm-up and of its prolongations, and with
 * every SIBEAT_UNLIKE-th beat of no kind, a search begins: sibeat_template_search it to its end before the next push.
 */
int sibeat_template_push(sibeat_template *own, const float *window, uint8_t place, float seconds);

/* End the warm-up, unless its beats are of too many kinds or most of them are premature: then it is prolonged. */
void sibeat_template_settle(sibeat_template *own);

/*
 * Do a step of a search, of less than a million instructions for each lead on a Cortex-M4; returns 0 where there is none.
 * room: the same for all steps of a search. Where it was lost, sibeat_template_resume goes on without it.
 */
int sibeat_template_search(sibeat_template *own, sibeat_room *room);
void sibeat_template_resume(sibeat_template *own);

/* The template that is most like a beat, to compare it with, until this is asked again; NULL in the warm-up. */
const float *sibeat_template_nearest(sibeat_template *own, const float *window);

#ifdef __cplusplus
}
#endif
#endif /* SIBEAT_RHYTHM_FEATURES */

#endif
