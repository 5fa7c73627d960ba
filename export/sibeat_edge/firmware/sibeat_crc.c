/* SPDX-License-Identifier: MIT */
#include "sibeat_crc.h"

uint32_t sibeat_crc32(const void *data, size_t bytes)
{
    const uint8_t *byte = data;
    uint32_t crc = 0xFFFFFFFFu;

    while (bytes--) {
        crc ^= *byte++;
        /* Bit by bit: it runs once at boot, and a table would take a kilobyte. */
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    return ~crc;
}
