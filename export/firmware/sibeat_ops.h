/* SPDX-License-Identifier: MIT */
// The model's operations: CONCATENATION, CONV_2D, FULLY_CONNECTED, RESHAPE.
#ifndef SIBEAT_OPS_H
#define SIBEAT_OPS_H

#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

// Dense layers of this model have a scale for each unit, which TensorFlow Lite Micro knows since 27 September
// 2024. An older one computes wrong scores; this does not compile with it.
static_assert(sizeof(&tflite::OpDataFullyConnected::is_per_channel) > 0,
              "a newer TensorFlow Lite Micro is needed");

using SibeatResolver = tflite::MicroMutableOpResolver<4>;

// Adds exactly them.
inline TfLiteStatus SibeatAddOperations(SibeatResolver &resolver) {
  if (resolver.AddConcatenation() != kTfLiteOk ||
      resolver.AddConv2D() != kTfLiteOk ||
      resolver.AddFullyConnected() != kTfLiteOk ||
      resolver.AddReshape() != kTfLiteOk) {
    return kTfLiteError;
  }
  return kTfLiteOk;
}

#endif
