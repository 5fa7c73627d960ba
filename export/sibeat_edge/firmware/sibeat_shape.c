/* SPDX-License-Identifier: MIT */
#include "sibeat_shape.h"

#include <math.h>

/* As in sibeat_edge.beats.form: samples at 360 Hz before the R-peak, and from it on. */
#define QRS_BEFORE 25
#define QRS_AFTER 35
#define KIND_BEFORE 40
#define KIND_AFTER 80
#define STEP 3
#define INSIDE_BEFORE 30
#define INSIDE_AFTER 40
#define SHIFT 30 /* by which a QRS may be displaced */
#define SLOW 54  /* of the moving averages that take swings away: 150 and 300 ms */
#define SLOWER 108
/* As in sibeat_edge.beats.windows: limit of a beat beside its template. */
#define HIGHEST 3.0f

#define LEAST 1e-9f  /* that something is divided by */
#define LARGEST 1e6f /* mV: a sample that is none, whose square may be no number */

#define QRS_SIZE (QRS_BEFORE + QRS_AFTER)

typedef char sibeat_shape_is_a_kind[SIBEAT_SHAPE_SIZE * STEP == KIND_BEFORE + KIND_AFTER ? 1 : -1];
typedef char sibeat_look_has_room[SIBEAT_LOOK_FLOATS >= 2 * QRS_SIZE + 2 * SHIFT ? 1 : -1];

static float at_least(float value)
{
    return value > LEAST ? value : LEAST;
}

sibeat_view sibeat_view_of(const float *window, const float *own, int centre, int length, int leads)
{
    float low = own[0], high = own[0];

    for (int k = 1; k < length; k++) {
        const float value = own[k * leads];
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    const sibeat_view view = {window, own, centre, length, leads, low, high > low ? high - low : 1.0f};
    return view;
}

int sibeat_view_is_known(const sibeat_view *view)
{
    for (int k = 0; k < view->length; k++)
        if (!(fabsf(view->window[k * view->leads]) < LARGEST) || !(fabsf(view->own[k * view->leads]) < LARGEST))
            return 0;
    return 1;
}

/* A sample of the beat or of the own one. Beyond its ends, a lead goes on as it is. */
static float sample(const sibeat_view *view, const float *lead, int place)
{
    place = place < 0 ? 0 : place;
    place = place < view->length ? place : view->length - 1;
    const float value = 2.0f * (lead[place * view->leads] - view->low) / view->span - 1.0f;
    if (value > HIGHEST)
        return HIGHEST;
    return value < -HIGHEST ? -HIGHEST : value;
}

/* Every so manieth sample of a lead, from the first to before the last one, without its moving average. */
static void without_swings(const sibeat_view *view, const float *lead, int width, int every, int first, int last,
                           float *rest)
{
    const int before = width / 2, after = width - before;
    float sum = 0.0f;

    for (int k = first - before; k < first + after; k++)
        sum += sample(view, lead, k);
    for (int k = first; k < last; k++) {
        if ((k - first) % every == 0)
            *rest++ = sample(view, lead, k) - sum / (float)width;
        sum += sample(view, lead, k + after) - sample(view, lead, k - before);
    }
}

/* The first sample of a part, and the one behind its last, as far as the window reaches. */
static int begin_of(const sibeat_view *view, int before)
{
    return view->centre > before ? view->centre - before : 0;
}

static int end_of(const sibeat_view *view, int after)
{
    return view->centre + after < view->length ? view->centre + after : view->length;
}

int sibeat_look_at(const sibeat_view *view, float *work, sibeat_look *look)
{
    if (!sibeat_view_is_known(view))
        return 0;
    look->size = logf(sibeat_shape_of(view, look->shape));
    look->likeness = sibeat_qrs_likeness(view, work);
    look->away = sibeat_distance(view);
    return 1;
}

float sibeat_qrs_likeness(const sibeat_view *view, float *work)
{
    float *qrs = work, *around = work + QRS_SIZE, size = 0.0f, most = -1.0f;
    const int begin = begin_of(view, QRS_BEFORE), end = end_of(view, QRS_AFTER);
    const int first = begin_of(view, QRS_BEFORE + SHIFT), last = end_of(view, QRS_AFTER + SHIFT);

    without_swings(view, view->own, SLOW, 1, begin, end, qrs);
    without_swings(view, view->window, SLOW, 1, first, last, around);
    for (int k = 0; k < end - begin; k++)
        size += qrs[k] * qrs[k];
    for (int shift = 0; shift + end - begin <= last - first; shift++) {
        float product = 0.0f, other = 0.0f;
        for (int k = 0; k < end - begin; k++) {
            product += qrs[k] * around[shift + k];
            other += around[shift + k] * around[shift + k];
        }
        product /= at_least(sqrtf(other * size));
        most = product > most ? product : most;
    }
    return most;
}

float sibeat_distance(const sibeat_view *view)
{
    const int begin = begin_of(view, INSIDE_BEFORE), end = view->centre + INSIDE_AFTER;
    float sum = 0.0f, squares = 0.0f;
    int count = 0;

    for (int k = 0; k < view->length; k++)
        if (k < begin || k >= end) {
            sum += sample(view, view->window, k) - sample(view, view->own, k);
            count++;
        }
    for (int k = 0; k < view->length; k++)
        if (k < begin || k >= end) {
            const float apart = sample(view, view->window, k) - sample(view, view->own, k) - sum / (float)count;
            squares += apart * apart;
        }
    return count ? sqrtf(squares / (float)count) : 0.0f;
}

float sibeat_shape_of(const sibeat_view *view, float *shape)
{
    const int begin = begin_of(view, KIND_BEFORE), end = end_of(view, KIND_AFTER);
    const int first = begin + (view->centre - begin) % STEP;

    without_swings(view, view->window, SLOWER, STEP, first, end, shape);
    for (int k = (end - first + STEP - 1) / STEP; k < SIBEAT_SHAPE_SIZE; k++)
        shape[k] = 0.0f;
    return sibeat_shape_to_unit(shape);
}

float sibeat_shape_product(const float *one, const float *other)
{
    float product = 0.0f;

    for (int k = 0; k < SIBEAT_SHAPE_SIZE; k++)
        product += one[k] * other[k];
    return product;
}

float sibeat_shape_to_unit(float *shape)
{
    const float size = at_least(sqrtf(sibeat_shape_product(shape, shape)));

    for (int k = 0; k < SIBEAT_SHAPE_SIZE; k++)
        shape[k] /= size;
    return size;
}
