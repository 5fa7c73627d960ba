/* SPDX-License-Identifier: MIT */
/* CRC-32 as in zip files and Ethernet (polynomial 0xEDB88320, reflected). */
#ifndef SIBEAT_CRC_H
#define SIBEAT_CRC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint32_t sibeat_crc32(const void *data, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
