/* SPDX-License-Identifier: MIT */
/*
 * What is known of the device's samples before any filter: which are missing, in a lead that is off, or at a limit of the
 * amplifier. sibeat_edge.signal.contact is the definition. Only the spans of samples that are not fine are kept.
 */
#ifndef SIBEAT_CONTACT_H
#define SIBEAT_CONTACT_H

#include <stdint.h>

#include "sibeat_floats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The worse, the higher. */
typedef enum {
    SIBEAT_SAMPLE_FINE = 0,
    SIBEAT_SAMPLE_BRIDGED,  /* missing for 40 ms at most */
    SIBEAT_SAMPLE_MISSING,  /* not a number */
    SIBEAT_SAMPLE_FLAT,     /* the same for 0.25 s or more */
    SIBEAT_SAMPLE_SATURATED /* the highest or the lowest so far for 25 ms or more */
} sibeat_flag;

/* Where there are more spans, those nearest to each other become one, of the worse flag. */
#define SIBEAT_SPANS 48

/* Samples of a flag that is not fine, from `begin` to before `end`. */
typedef struct {
    uint32_t begin;
    uint32_t end : 29, flag : 3;
} sibeat_span;

/* One for each lead. */
typedef struct {
    sibeat_span spans[SIBEAT_SPANS];
    uint32_t seen;      /* samples so far; fewer than 2^29 */
    uint32_t run, gap;  /* samples that the newest value, or a gap, has lasted; one of them is 0 */
    float value, low, high; /* the newest one, and the lowest and highest so far */
    uint16_t flat, rail, bridged; /* samples */
    uint8_t span_count, is_known, is_at_limit; /* is_known: whether a number has come */
} sibeat_contact;

/* rate: Hz; bridged: samples of the longest gap that is bridged. */
void sibeat_contact_start(sibeat_contact *contact, uint32_t rate, int bridged);

/* Add a sample, in any unit. Spans that end before sample `needed` are forgotten. */
void sibeat_contact_push(sibeat_contact *contact, float sample, uint32_t needed);

/* The signal ends: a gap that is open is bridged no more. */
void sibeat_contact_finish(sibeat_contact *contact);

/* Number of samples whose flags are certain. */
uint32_t sibeat_contact_certain(const sibeat_contact *contact);

/* The worst flag of the samples from `begin` to before `end`. */
sibeat_flag sibeat_contact_worst(const sibeat_contact *contact, uint32_t begin, uint32_t end);

#ifdef __cplusplus
}
#endif

#endif
