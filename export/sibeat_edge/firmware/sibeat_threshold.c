/* SPDX-License-Identifier: MIT */
#include "sibeat_threshold.h"

#include <math.h>
#include <string.h>

/* As in sibeat_edge.model.threshold, where each is explained. */
#define SHRINKAGE 0.5f
#define HALF_LIFE 2000.0f
#define LARGEST_WEIGHT 1e9f

#define ROUNDING 1e-4f /* levels by which a threshold on a level may miss it */

void sibeat_threshold_init(sibeat_threshold *threshold, float general, float usual, float scale, int zero_point,
                           unsigned personal)
{
    memset(threshold, 0, sizeof *threshold);
    threshold->general = general;
    threshold->usual = usual;
    threshold->scale = scale;
    threshold->zero_point = (int16_t)zero_point;
    threshold->personal = (uint16_t)(personal < UINT16_MAX ? personal : UINT16_MAX);
}

void sibeat_threshold_learn(sibeat_threshold *threshold, int8_t score)
{
    /* From the number of scores: a float that grew score by score would sum up the rounding of 60,000 products. */
    float newest = exp2f((float)threshold->grown / HALF_LIFE);

    if (newest > LARGEST_WEIGHT) {
        for (int k = 0; k < SIBEAT_LEVELS; k++)
            threshold->weights[k] /= newest;
        threshold->grown = 0;
        newest = 1.0f;
    }
    threshold->weights[score + 128] += newest;
    threshold->grown++;
    if (threshold->learnt < threshold->personal)
        threshold->learnt++;
}

int sibeat_threshold_median(const sibeat_threshold *threshold)
{
    float all = 0.0f, sum = 0.0f;
    int score = SIBEAT_NO_MEDIAN;

    for (int k = 0; k < SIBEAT_LEVELS; k++)
        all += threshold->weights[k];
    for (int k = 0; k < SIBEAT_LEVELS && score == SIBEAT_NO_MEDIAN; k++) {
        sum += threshold->weights[k];
        if (sum > 0.0f && sum >= all / 2.0f)
            score = k - 128;
    }
    return score;
}

int sibeat_threshold_level(const sibeat_threshold *threshold)
{
    const float zero = (float)threshold->zero_point;
    float level = threshold->general / threshold->scale + zero;

    if (threshold->personal && threshold->learnt >= threshold->personal) {
        const float median = (float)sibeat_threshold_median(threshold) - zero;
        level += SHRINKAGE * (median - threshold->usual / threshold->scale);
    }
    return (int)floorf(level + ROUNDING);
}

float sibeat_threshold_limit(const sibeat_threshold *threshold)
{
    return ((float)sibeat_threshold_level(threshold) + 0.5f - (float)threshold->zero_point) * threshold->scale;
}
