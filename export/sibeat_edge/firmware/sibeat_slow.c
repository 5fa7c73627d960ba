/* SPDX-License-Identifier: MIT */
#include "sibeat_slow.h"

#include <math.h>
#include <string.h>

#define BANK_REACH (SIBEAT_BANK_HALF - 1)
#define LARGEST_PART 32767.0f
#define LARGEST_BYTE 127.0f

void sibeat_slow_start(sibeat_slow *slow)
{
    memset(slow, 0, sizeof *slow);
    slow->wait = BANK_REACH % SIBEAT_DECIMATION + 1;
}

/* The output of a symmetric filter, of which the half from its middle on is given, for the middle one of a ring. */
static float convolved(const float *ring, int size, int middle, const float *taps, int half)
{
    float sum = taps[0] * ring[middle];
    int k = 1, later = middle + 1, earlier = middle - 1;

    while (k < half) { /* each turn goes on until one of both meets an end of the ring */
        later = later == size ? 0 : later;
        earlier = earlier < 0 ? size - 1 : earlier;
        int most = half - k;
        most = size - later < most ? size - later : most;
        most = earlier + 1 < most ? earlier + 1 : most;
        const float *tap = taps + k, *one = ring + later, *other = ring + earlier;
        int n = most;
        for (; n >= 4; n -= 4, tap += 4, one += 4, other -= 4) { /* four at a time, in the same order */
            sum += tap[0] * (one[0] + other[0]);
            sum += tap[1] * (one[1] + other[-1]);
            sum += tap[2] * (one[2] + other[-2]);
            sum += tap[3] * (one[3] + other[-3]);
        }
        for (; n > 0; n--)
            sum += *tap++ * (*one++ + *other--);
        k += most;
        later += most;
        earlier -= most;
    }
    return sum;
}

int sibeat_slow_push(sibeat_slow *slow, float sample)
{
    int middle;

    slow->fast[slow->next_fast] = sample;
    slow->next_fast = (uint16_t)(slow->next_fast + 1 < SIBEAT_BANK_TAPS ? slow->next_fast + 1 : 0);
    if (--slow->wait)
        return 0;
    slow->wait = SIBEAT_DECIMATION;
    middle = slow->next_fast - SIBEAT_BANK_HALF;
    middle += middle < 0 ? SIBEAT_BANK_TAPS : 0;
    slow->slow[slow->next_slow] = convolved(slow->fast, SIBEAT_BANK_TAPS, middle, sibeat_bank_taps, SIBEAT_BANK_HALF);
    slow->next_slow = (uint16_t)(slow->next_slow + 1 < SIBEAT_SLOW_HELD ? slow->next_slow + 1 : 0);
    slow->made++;
    return 1;
}

float sibeat_slow_filtered(const sibeat_slow *slow, const float *taps, int half)
{
    const int middle = slow->next_slow - half;

    return convolved(slow->slow, SIBEAT_SLOW_HELD, middle < 0 ? middle + SIBEAT_SLOW_HELD : middle, taps, half);
}

float sibeat_slow_between(const float *around, int part)
{
    const float *sample = around + SIBEAT_SLOW_AROUND;
    int place = BANK_REACH - part;
    float sum = 0.0f;

    for (; place >= 0; place -= SIBEAT_DECIMATION)
        sum += sibeat_bank_taps[place] * *--sample;
    for (place = -place; place <= BANK_REACH; place += SIBEAT_DECIMATION)
        sum += sibeat_bank_taps[place] * *--sample;
    return (float)SIBEAT_DECIMATION * sum;
}

/* Keep the values of a full block in 16 bits each. */
static void keep(sibeat_ring *ring, uint32_t block)
{
    const uint32_t place = block % SIBEAT_RING_FINE;
    float largest = 0.0f;

    for (int k = 0; k < SIBEAT_RING_BLOCK; k++)
        largest = fabsf(ring->newest[k]) > largest ? fabsf(ring->newest[k]) : largest;
    const float unit = largest / LARGEST_PART;
    ring->units[place] = unit;
    for (int k = 0; k < SIBEAT_RING_BLOCK; k++) {
        const float part = unit > 0.0f ? ring->newest[k] / unit : 0.0f;
        ring->parts[place][k] = (int16_t)(part < 0.0f ? part - 0.5f : part + 0.5f);
    }
}

/* Keep a block that has become old in 8 bits for each value. */
static void keep_coarsely(sibeat_ring *ring, uint32_t block)
{
    const uint32_t from = block % SIBEAT_RING_FINE, place = block % SIBEAT_RING_COARSE;
    const int16_t *parts = ring->parts[from];
    int largest = 0, exponent;

    for (int k = 0; k < SIBEAT_RING_BLOCK; k++) {
        const int size = parts[k] < 0 ? -parts[k] : parts[k];
        largest = size > largest ? size : largest;
    }
    frexpf((float)largest * ring->units[from] / LARGEST_BYTE, &exponent);
    ring->exponents[place] = (int8_t)(exponent > INT8_MIN ? exponent : INT8_MIN);
    for (int k = 0; k < SIBEAT_RING_BLOCK; k++)
        ring->coarse[place][k] = (int8_t)rintf(ldexpf((float)parts[k] * ring->units[from], -ring->exponents[place]));
}

void sibeat_ring_push(sibeat_ring *ring, float value)
{
    const uint32_t place = ring->count % SIBEAT_RING_BLOCK, block = ring->count / SIBEAT_RING_BLOCK;

    ring->newest[place] = value;
    ring->count++;
    if (place + 1 < SIBEAT_RING_BLOCK)
        return;
    if (block >= SIBEAT_RING_FINE)
        keep_coarsely(ring, block - SIBEAT_RING_FINE);
    keep(ring, block);
}

static float value_of(const sibeat_ring *ring, uint32_t number)
{
    const uint32_t block = number / SIBEAT_RING_BLOCK, place = number % SIBEAT_RING_BLOCK;
    const uint32_t behind = ring->count / SIBEAT_RING_BLOCK - block;

    if (!behind)
        return ring->newest[place];
    if (behind <= SIBEAT_RING_FINE)
        return (float)ring->parts[block % SIBEAT_RING_FINE][place] * ring->units[block % SIBEAT_RING_FINE];
    const uint32_t old = block % SIBEAT_RING_COARSE;
    return ldexpf((float)ring->coarse[old][place], ring->exponents[old]);
}

/* The low-pass for a sample that lies `part` behind: its taps beside the slow samples that they meet. */
static void taps_of(int part, float taps[SIBEAT_SLOW_AROUND])
{
    int place = part - BANK_REACH;

    for (int k = SIBEAT_SLOW_AROUND - 1; k >= 0; k--, place += SIBEAT_DECIMATION)
        taps[k] = place <= BANK_REACH ? sibeat_bank_taps[place < 0 ? -place : place] : 0.0f;
}

void sibeat_ring_read(const sibeat_ring *ring, uint32_t first, int count, float *samples, int step)
{
    uint32_t number = (first + BANK_REACH) / SIBEAT_DECIMATION + SIBEAT_SLOW_FIRST; /* the last slow one around it */
    int part = (int)((first + BANK_REACH) % SIBEAT_DECIMATION);
    float around[SIBEAT_SLOW_AROUND], taps[SIBEAT_DECIMATION][SIBEAT_SLOW_AROUND];

    for (int k = 0; k < SIBEAT_DECIMATION; k++)
        taps_of(k, taps[k]);
    for (uint32_t k = 0; k < SIBEAT_SLOW_AROUND; k++)
        around[k] = value_of(ring, number + k + 1 - SIBEAT_SLOW_AROUND);
    for (int k = 0; k < count; k++) {
        if (part == SIBEAT_DECIMATION) {
            part = 0;
            memmove(around, around + 1, (SIBEAT_SLOW_AROUND - 1) * sizeof *around);
            around[SIBEAT_SLOW_AROUND - 1] = value_of(ring, ++number);
        }
        const float *tap = taps[part++];
        float sum = 0.0f;
        int n = SIBEAT_SLOW_AROUND - 1;
        for (; n >= 2; n -= 3) { /* three at a time, in the order of sibeat_slow_between */
            sum += tap[n] * around[n];
            sum += tap[n - 1] * around[n - 1];
            sum += tap[n - 2] * around[n - 2];
        }
        for (; n >= 0; n--)
            sum += tap[n] * around[n];
        samples[k * step] = (float)SIBEAT_DECIMATION * sum;
    }
}

uint32_t sibeat_ring_end(const sibeat_ring *ring)
{
    const uint32_t unseen = SIBEAT_DECIMATION * SIBEAT_SLOW_FIRST + BANK_REACH;
    const uint32_t seen = SIBEAT_DECIMATION * ring->count;

    return seen > unseen ? seen - unseen : 0;
}
