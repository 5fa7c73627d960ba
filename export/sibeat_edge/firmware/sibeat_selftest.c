/* SPDX-License-Identifier: MIT */
#include "sibeat_selftest.h"

#include "sibeat_crc.h"
#include "sibeat_golden.h"
#ifdef SIBEAT_TFLM
#include "sibeat_model.h"
#else
#include "sibeat_net.h"
#endif

sibeat_health sibeat_check_data(void)
{
#ifdef SIBEAT_TFLM
    if (sibeat_crc32(sibeat_model, sizeof sibeat_model) != SIBEAT_MODEL_CRC32)
#else
    if (sibeat_crc32(&sibeat_net_tables, SIBEAT_NET_BYTES) != SIBEAT_NET_CRC32)
#endif
        return SIBEAT_MODEL_CORRUPT;
    if (sibeat_crc32(sibeat_golden_inputs, sizeof sibeat_golden_inputs) != SIBEAT_GOLDEN_INPUTS_CRC32)
        return SIBEAT_GOLDEN_INPUTS_CORRUPT;
    if (sibeat_crc32(sibeat_golden_scores, sizeof sibeat_golden_scores) != SIBEAT_GOLDEN_SCORES_CRC32)
        return SIBEAT_GOLDEN_SCORES_CORRUPT;
    return SIBEAT_HEALTHY;
}

sibeat_health sibeat_selftest(int8_t (*score)(const int8_t *input))
{
    const sibeat_health data = sibeat_check_data();

    if (data != SIBEAT_HEALTHY)
        return data;
    for (int beat = 0; beat < SIBEAT_GOLDEN_BEATS; beat++) {
        const int off = score(sibeat_golden_inputs[beat]) - sibeat_golden_scores[beat];
        if (off > SIBEAT_GOLDEN_TOLERANCE || off < -SIBEAT_GOLDEN_TOLERANCE)
            return SIBEAT_SCORES_DIFFER;
    }
    return SIBEAT_HEALTHY;
}
