/* SPDX-License-Identifier: MIT */
#include "sibeat_layer.h"

#if defined(__ARM_FEATURE_DSP) && !defined(SIBEAT_PLAIN)
#include <arm_acle.h>
#include <string.h>
#define SIBEAT_DSP
#endif

#define ROWS 4 /* filters that are computed together, so that a value is loaded once for all of them */

/* Requantisation shifts negative numbers to the right: the sign has to come in, as with every common compiler. */
typedef char sibeat_shifts_keep_the_sign[(-1 >> 1) == -1 ? 1 : -1];

#ifdef SIBEAT_DSP
static inline int8x4_t four(const int8_t *bytes)
{
    int8x4_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Add to a sum the products of four bytes and four: of bytes 0 and 2, then of bytes 1 and 3. */
#define ADD_FOUR(sum, values, weights) \
    __smlad(__sxtb16((values) >> 8), __sxtb16((weights) >> 8), __smlad(__sxtb16(values), __sxtb16(weights), sum))
#endif

/* Add to the sums of ROWS filters, whose weights are `size` apart, the products of `count` values. */
static void add_products(int32_t *sums, const int8_t *values, const int8_t *weights, int size, int count)
{
    const int8_t *const end = values + count;
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3];

#ifdef SIBEAT_DSP
    for (const int8_t *const fours = end - count % 4; values < fours; values += 4, weights += 4) {
        const int8x4_t value = four(values);
        const int8x4_t first = four(weights), second = four(weights + size);
        const int8x4_t third = four(weights + 2 * size), fourth = four(weights + 3 * size);

        a = ADD_FOUR(a, value, first);
        b = ADD_FOUR(b, value, second);
        c = ADD_FOUR(c, value, third);
        d = ADD_FOUR(d, value, fourth);
    }
#endif
    for (; values < end; values++, weights++) {
        const int value = *values;

        a += value * weights[0];
        b += value * weights[size];
        c += value * weights[2 * size];
        d += value * weights[3 * size];
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

static int32_t product(const int8_t *values, const int8_t *weights, int count)
{
    int32_t sum = 0;

    for (int n = 0; n < count; n++)
        sum += values[n] * weights[n];
    return sum;
}

static int32_t total(const int8_t *weights, int count)
{
    int32_t sum = 0;

    for (int n = 0; n < count; n++)
        sum += weights[n];
    return sum;
}

/* sum * multiplier / 2^31 * 2^shift, rounded twice: the high half to nearest, then halves away from zero. */
static int32_t scaled(int32_t sum, int32_t multiplier, int shift)
{
    const int left = shift > 0 ? shift : 0, right = left - shift;
    const int64_t whole = (int64_t)(sum * (1 << left)) * multiplier;
    const int32_t high = (int32_t)((whole + (1 << 30)) >> 31);
    const int32_t mask = (int32_t)((1u << right) - 1u);

    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}

void sibeat_layer_run(const sibeat_layer *layer, const int8_t *in, int8_t *out)
{
    const sibeat_layer own = *layer; /* which the compiler knows that `out` does not write to */
    const int size = own.taps * own.channels;

    for (int position = 0; position < own.positions; position++) {
        const int first = position * own.stride - own.padding;
        const int beyond = first + own.taps - own.length;
        const int from = first < 0 ? -first * own.channels : 0; /* of a filter's weights: what sees the input */
        const int to = beyond > 0 ? size - beyond * own.channels : size;
        const int8_t *seen = in + (first * own.channels + from), *weights = own.weights;
        int rows;

        for (int filter = 0; filter < own.filters; filter += rows, weights += rows * size) {
            int32_t sums[ROWS];

            rows = own.filters - filter >= ROWS ? ROWS : 1;
            for (int row = 0; row < rows; row++)
                sums[row] = own.biases[filter + row];
            if (to - from < size) /* padding is zero: take back what the bias holds of the input's zero point */
                for (int row = 0; row < rows; row++)
                    sums[row] += own.zero_in * (total(weights + row * size, from) +
                                                total(weights + row * size + to, size - to));
            if (rows == ROWS)
                add_products(sums, seen, weights + from, size, to - from);
            else
                sums[0] += product(seen, weights + from, to - from);
            for (int row = 0; row < rows; row++) {
                const int at = filter + row;
                const int32_t value = scaled(sums[row], own.multipliers[at], own.shifts[at]) + own.zero_out;
                const int32_t least = value < own.lowest ? own.lowest : value;

                *out++ = (int8_t)(least > own.highest ? own.highest : least);
            }
        }
    }
}
