/* SPDX-License-Identifier: MIT */
#include "sibeat_stretch.h"

#include <math.h>
#include <string.h>

#include "sibeat_newest.h"

/* As in sibeat_edge.beats.stretch, where each is explained. */
#define STRETCH 9
#define LOW (-4.0f)
#define HIGH (-2.0f)
#define UNCLEAN 2.0f
#define CLEAN 4.0f
#define FEWEST 3
#define SLOPE 1.28f
#define OFFSET (-1.0f)

typedef char sibeat_stretch_is_kept[STRETCH == SIBEAT_STRETCH ? 1 : -1];

void sibeat_stretch_start(sibeat_stretch *stretch)
{
    memset(stretch, 0, sizeof *stretch);
}

sibeat_fitness sibeat_stretch_push(sibeat_stretch *stretch, float likeness, float *ratio)
{
    float *known = stretch->likeness, sorted[STRETCH];

    if (isfinite(likeness)) {
        if (stretch->count == STRETCH)
            memmove(known, known + 1, --stretch->count * sizeof *known);
        known[stretch->count++] = likeness;
    }
    *ratio = NAN;
    if (stretch->count >= FEWEST) {
        memcpy(sorted, known, sizeof sorted);
        *ratio = SLOPE * sibeat_median(sorted, stretch->count) + OFFSET;
        stretch->is_unfit = *ratio < (stretch->is_unfit ? HIGH : LOW);
        stretch->is_unclean = *ratio < (stretch->is_unclean ? CLEAN : UNCLEAN);
    }
    return stretch->is_unfit ? SIBEAT_UNFIT : stretch->is_unclean ? SIBEAT_FIT : SIBEAT_CLEAN;
}
