/* SPDX-License-Identifier: MIT */
#include "sibeat_contact.h"

#include <math.h>
#include <string.h>

/* As in sibeat_edge.signal.contact. */
#define LEAST_RUN 3
#define FLAT_PARTS 4  /* of a second that the same value lasts */
#define RAIL_PARTS 40 /* and at a limit */

static uint16_t part_of(uint32_t rate, uint32_t parts)
{
    const uint32_t samples = (rate + parts - 1) / parts;

    return (uint16_t)(samples > LEAST_RUN ? samples : LEAST_RUN);
}

void sibeat_contact_start(sibeat_contact *contact, uint32_t rate, int bridged)
{
    memset(contact, 0, sizeof *contact);
    contact->flat = part_of(rate, FLAT_PARTS);
    contact->rail = part_of(rate, RAIL_PARTS);
    contact->bridged = (uint16_t)bridged;
}

/* Two spans become one: the two with the fewest samples between them. */
static void join(sibeat_contact *contact)
{
    sibeat_span *spans = contact->spans;
    int nearest = 0;

    for (int k = 1; k + 1 < contact->span_count; k++)
        if (spans[k + 1].begin - spans[k].end < spans[nearest + 1].begin - spans[nearest].end)
            nearest = k;
    sibeat_span *one = &spans[nearest], *next = one + 1;
    one->end = next->end;
    one->flag = next->flag > one->flag ? next->flag & 7u : one->flag & 7u;
    contact->span_count--;
    memmove(next, next + 1, (size_t)(contact->span_count - nearest - 1) * sizeof *next);
}

static void forget(sibeat_contact *contact, uint32_t needed)
{
    int gone = 0;

    while (gone < contact->span_count && contact->spans[gone].end <= needed)
        gone++;
    if (!gone)
        return;
    contact->span_count = (uint8_t)(contact->span_count - gone);
    memmove(contact->spans, contact->spans + gone, contact->span_count * sizeof *contact->spans);
}

/* The newest `count` samples have a flag. They may be those of the newest span, and one more. */
static void flag_newest(sibeat_contact *contact, uint32_t count, sibeat_flag flag, uint32_t needed)
{
    const uint32_t begin = contact->seen - count;
    sibeat_span *newest = contact->span_count ? &contact->spans[contact->span_count - 1] : 0;

    if (newest && newest->flag == (unsigned)flag && newest->end >= begin) {
        newest->end = contact->seen & 0x1fffffffu;
        return;
    }
    forget(contact, needed);
    if (contact->span_count == SIBEAT_SPANS)
        join(contact);
    newest = &contact->spans[contact->span_count++];
    newest->begin = begin;
    newest->end = contact->seen & 0x1fffffffu;
    newest->flag = (unsigned)flag & 7u;
}

static void push_missing(sibeat_contact *contact, uint32_t needed)
{
    contact->seen++;
    contact->run = 0;
    contact->gap++;
    if (!contact->is_known || contact->gap > contact->bridged)
        flag_newest(contact, contact->gap, SIBEAT_SAMPLE_MISSING, needed);
}

void sibeat_contact_push(sibeat_contact *contact, float sample, uint32_t needed)
{
    if (!isfinite(sample)) {
        push_missing(contact, needed);
        return;
    }
    if (contact->gap && contact->is_known && contact->gap <= contact->bridged)
        flag_newest(contact, contact->gap, SIBEAT_SAMPLE_BRIDGED, needed);
    contact->gap = 0;
    contact->seen++;
    contact->run = contact->run && sample == contact->value ? contact->run + 1 : 1;
    contact->value = sample;
    if (contact->run == 1) { /* the limits do not change as long as the value is the same */
        contact->low = contact->is_known && contact->low < sample ? contact->low : sample;
        contact->high = contact->is_known && contact->high > sample ? contact->high : sample;
        contact->is_at_limit = contact->high > contact->low && (sample == contact->low || sample == contact->high);
        contact->is_known = 1;
    }
    if (contact->is_at_limit && contact->run >= contact->rail)
        flag_newest(contact, contact->run, SIBEAT_SAMPLE_SATURATED, needed);
    else if (contact->run >= contact->flat)
        flag_newest(contact, contact->run, SIBEAT_SAMPLE_FLAT, needed);
}

void sibeat_contact_finish(sibeat_contact *contact)
{
    if (contact->gap)
        flag_newest(contact, contact->gap, SIBEAT_SAMPLE_MISSING, 0);
    contact->run = contact->gap = 0;
}

uint32_t sibeat_contact_certain(const sibeat_contact *contact)
{
    if (contact->gap)
        return contact->is_known && contact->gap <= contact->bridged ? contact->seen - contact->gap : contact->seen;
    if (contact->run >= contact->flat || (contact->is_at_limit && contact->run >= contact->rail))
        return contact->seen;
    return contact->seen - contact->run;
}

sibeat_flag sibeat_contact_worst(const sibeat_contact *contact, uint32_t begin, uint32_t end)
{
    unsigned worst = SIBEAT_SAMPLE_FINE;

    for (int k = contact->span_count - 1; k >= 0 && contact->spans[k].end > begin; k--)
        if (contact->spans[k].begin < end && contact->spans[k].flag > worst)
            worst = contact->spans[k].flag;
    return (sibeat_flag)worst;
}
