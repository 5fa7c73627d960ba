/* SPDX-License-Identifier: MIT */
/*
 * What is known of a wearer as an image, for a deep sleep in which RAM loses it: the memory of structs without pointers,
 * behind a header with which a restored one is checked.
 *
 * An image is for the same build: the same model, the same version of these files, a compiler that lays structs out
 * alike, and the same order of bytes. Anything else is told, and changes nothing.
 */
#ifndef SIBEAT_IMAGE_H
#define SIBEAT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SIBEAT_IMAGE_VERSION 4 /* of all structs that are saved: another one with each change of theirs */

typedef struct {
    uint32_t mark, version, model, bytes, crc; /* crc: of all before it, and of the parts */
} sibeat_image_header;

/* A part of what is saved. */
typedef struct {
    void *data;
    size_t bytes;
} sibeat_part;

typedef enum {
    SIBEAT_RESTORED = 0,
    SIBEAT_IMAGE_NONE,      /* not one, or cut off */
    SIBEAT_IMAGE_OTHER_VERSION, /* of SIBEAT_IMAGE_VERSION */
    SIBEAT_IMAGE_OTHER_MODEL,   /* of SIBEAT_MODEL_CRC32 */
    SIBEAT_IMAGE_OTHER_SIZE,    /* structs are laid out otherwise, or it holds other parts */
    SIBEAT_IMAGE_DAMAGED
} sibeat_restoring;

/* Bytes of an image of these parts. */
size_t sibeat_image_bytes(const sibeat_part *parts, int count);

/* Returns the bytes that were written to image, or 0 and writes none where there is no room for them. */
size_t sibeat_image_save(const sibeat_part *parts, int count, void *image, size_t room);

/* Set the parts to what was saved, all of them or none. bytes: of the image, at least. */
sibeat_restoring sibeat_image_restore(const sibeat_part *parts, int count, const void *image, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
