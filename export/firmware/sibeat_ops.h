// The model's operations: CONCATENATION, CONV_2D, FULLY_CONNECTED, RESHAPE.
#ifndef SIBEAT_OPS_H
#define SIBEAT_OPS_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

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
