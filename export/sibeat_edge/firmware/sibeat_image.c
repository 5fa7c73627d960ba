/* SPDX-License-Identifier: MIT */
#include "sibeat_image.h"

#include <string.h>

#include "sibeat_crc.h"
#include "sibeat_golden.h"

#define MARK 0x53494245u /* of four letters */

static sibeat_image_header header_of(size_t bytes)
{
    const sibeat_image_header header = {MARK, SIBEAT_IMAGE_VERSION, SIBEAT_MODEL_CRC32, (uint32_t)bytes, 0};

    return header;
}

/* Of the header but for itself, and of what is behind it. */
static uint32_t crc_of(const sibeat_image_header *header, const uint8_t *body)
{
    const size_t size = offsetof(sibeat_image_header, crc);
    const uint32_t first = sibeat_crc32(header, size);

    return first ^ sibeat_crc32(body, header->bytes - sizeof *header);
}

size_t sibeat_image_bytes(const sibeat_part *parts, int count)
{
    size_t bytes = sizeof(sibeat_image_header);

    for (int k = 0; k < count; k++)
        bytes += parts[k].bytes;
    return bytes;
}

size_t sibeat_image_save(const sibeat_part *parts, int count, void *image, size_t room)
{
    sibeat_image_header header = header_of(sibeat_image_bytes(parts, count));
    uint8_t *const body = (uint8_t *)image + sizeof header, *next = body;

    if (header.bytes > room)
        return 0;
    for (int k = 0; k < count; k++) {
        memcpy(next, parts[k].data, parts[k].bytes);
        next += parts[k].bytes;
    }
    header.crc = crc_of(&header, body);
    memcpy(image, &header, sizeof header);
    return header.bytes;
}

sibeat_restoring sibeat_image_restore(const sibeat_part *parts, int count, const void *image, size_t bytes)
{
    const sibeat_image_header wanted = header_of(sibeat_image_bytes(parts, count));
    const uint8_t *const body = (const uint8_t *)image + sizeof wanted, *next = body;
    sibeat_image_header header;

    if (bytes < sizeof header)
        return SIBEAT_IMAGE_NONE;
    memcpy(&header, image, sizeof header);
    if (header.mark != wanted.mark)
        return SIBEAT_IMAGE_NONE;
    if (header.version != wanted.version)
        return SIBEAT_IMAGE_OTHER_VERSION;
    if (header.model != wanted.model)
        return SIBEAT_IMAGE_OTHER_MODEL;
    if (header.bytes != wanted.bytes)
        return SIBEAT_IMAGE_OTHER_SIZE;
    if (header.bytes > bytes)
        return SIBEAT_IMAGE_NONE;
    if (header.crc != crc_of(&header, body))
        return SIBEAT_IMAGE_DAMAGED;
    for (int k = 0; k < count; k++) {
        memcpy(parts[k].data, next, parts[k].bytes);
        next += parts[k].bytes;
    }
    return SIBEAT_RESTORED;
}
