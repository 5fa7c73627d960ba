/* SPDX-License-Identifier: MIT */
#include "sibeat_layer.h"

/* Requantisation shifts negative numbers to the right: the sign has to come in, as on every common compiler. */
typedef char sibeat_shifts_keep_the_sign[(-1 >> 1) == -1 ? 1 : -1];

static int32_t dot(int32_t sum, const int8_t *values, const int8_t *weights, int count)
{
    for (int n = 0; n < count; n++)
        sum += values[n] * weights[n];
    return sum;
}

/* sum * multiplier / 2^31 * 2^shift, rounded twice: the high half to nearest, then halves away from zero. */
static int32_t scaled(int32_t sum, int32_t multiplier, int shift)
{
    const int left = shift > 0 ? shift : 0, right = left - shift;
    const int64_t product = (int64_t)(sum * (1 << left)) * multiplier;
    const int32_t high = (int32_t)((product + (1 << 30)) >> 31);
    const int32_t mask = (int32_t)((1u << right) - 1u);

    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0));
}

void sibeat_layer_run(const sibeat_layer *layer, const int8_t *in, int8_t *out)
{
    const int size = layer->taps * layer->channels;

    for (int position = 0; position < layer->positions; position++) {
        const int first = position * layer->stride - layer->padding;
        const int behind = first + layer->taps - layer->length;
        const int from = first < 0 ? -first * layer->channels : 0;             /* of the weights: what a filter */
        const int to = behind > 0 ? size - behind * layer->channels : size;    /* sees of the input */
        const int8_t *seen = in + (first * layer->channels + from);
        const int8_t *weights = layer->weights;

        for (int filter = 0; filter < layer->filters; filter++) {
            int32_t sum = dot(layer->biases[filter], seen, weights + from, to - from);

            /* Padding stands for zero: it takes back what the bias says of the input's zero point. */
            for (int n = 0; n < from; n++)
                sum += layer->zero_in * weights[n];
            for (int n = to; n < size; n++)
                sum += layer->zero_in * weights[n];
            sum = scaled(sum, layer->multipliers[filter], layer->shifts[filter]) + layer->zero_out;
            sum = sum < layer->lowest ? layer->lowest : sum;
            *out++ = (int8_t)(sum > layer->highest ? layer->highest : sum);
            weights += size;
        }
    }
}
