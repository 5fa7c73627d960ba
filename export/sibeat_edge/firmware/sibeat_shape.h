/* SPDX-License-Identifier: MIT */
/*
 * The shape of a beat and its likeness to the wearer's own, as sibeat_edge.beats.evidence and .kinds define them.
 * A part of sibeat_judge. The first lead is judged.
 */
#ifndef SIBEAT_SHAPE_H
#define SIBEAT_SHAPE_H

#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_SHAPE_SIZE 40 /* samples at 120 Hz around the R-peak */

/* The first lead of a beat and of the wearer's own beat, scaled so that the latter goes from -1 to 1. */
typedef struct {
    const float *window, *own; /* first sample of the lead in each */
    int centre, length, leads; /* place of the R-peak, samples, and how far apart these lie */
    float low, span;
} sibeat_view;

/* What of a beat is judged: all that is needed of its window. */
typedef struct {
    float shape[SIBEAT_SHAPE_SIZE]; /* of sibeat_shape_of */
    float size;     /* logarithm of the length that it had */
    float likeness; /* of the QRS to the template's */
    float away;     /* distance from the template outside of the QRS */
} sibeat_look;

#define SIBEAT_LOOK_FLOATS 180 /* of memory that it takes to look at a beat */

/* window, own: length samples of all leads, as for sibeat_quantise_beside. */
sibeat_view sibeat_view_of(const float *window, const float *own, int centre, int length, int leads);

/* Whether all of both is numbers, below 1e6 mV. */
int sibeat_view_is_known(const sibeat_view *view);

/* Look at a beat. Returns 0 where a sample of it or of its template is no number. work: SIBEAT_LOOK_FLOATS. */
int sibeat_look_at(const sibeat_view *view, float *work, sibeat_look *look);

/* The highest correlation of the own beat's QRS with the beat, within 30 samples of its place. */
float sibeat_qrs_likeness(const sibeat_view *view, float *work);

/* Standard deviation of a beat's difference from the own one outside of the QRS, in half the height of that one. */
float sibeat_distance(const sibeat_view *view);

/*
 * The beat's SIBEAT_SHAPE_SIZE samples around the R-peak without slow swings, of length 1. 0 beyond its window. Returns
 * the length that they had.
 */
float sibeat_shape_of(const sibeat_view *view, float *shape);

/* The product of two shapes, and a shape brought to length 1: returns the one that it had. */
float sibeat_shape_product(const float *one, const float *other);
float sibeat_shape_to_unit(float *shape);

#ifdef __cplusplus
}
#endif

#endif
