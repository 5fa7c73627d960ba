// SPDX-License-Identifier: MIT
// Boots the model, checks it, and scores the beats of a simulated sensor. Copy what you need. The model runs as plain C; where SIBEAT_TFLM is
// defined, on TensorFlow Lite Micro. It is compiled only where SIBEAT_EXAMPLE is defined, so that its main meets no
// other one.
#ifdef SIBEAT_EXAMPLE

#include <cstdint>
#include <cstring>

#include "sibeat_config.h"
#include "sibeat_preprocess.h"
#include "sibeat_selftest.h"
#if SIBEAT_RHYTHM_FEATURES
#include "sibeat.h"
#else
#include "sibeat_stream.h"
#endif
#ifdef SIBEAT_TFLM
#include "sibeat_model.h"
#include "sibeat_ops.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_log.h"
#include "tensorflow/lite/micro/system_setup.h"
#include "tensorflow/lite/schema/schema_generated.h"
#else
#include <cstdio>

#include "sibeat_net.h"
#define MicroPrintf(...) (std::printf(__VA_ARGS__), std::puts(""))
#endif

namespace {

bool invoked = true;  // whether every run of the model has succeeded

#ifdef SIBEAT_TFLM
alignas(16) uint8_t arena[SIBEAT_ARENA_BYTES];
tflite::MicroInterpreter *interpreter = nullptr;

bool Boot() {
  tflite::InitializeTarget();
  static SibeatResolver resolver;  // the interpreter points into it
  if (SibeatAddOperations(resolver) != kTfLiteOk) return false;
  static tflite::MicroInterpreter the_interpreter(tflite::GetModel(sibeat_model), resolver, arena,
                                                  SIBEAT_ARENA_BYTES);
  interpreter = &the_interpreter;
  if (interpreter->AllocateTensors() != kTfLiteOk) {
    MicroPrintf("sibeat: %d bytes are too small an arena", SIBEAT_ARENA_BYTES);
    return false;
  }
  MicroPrintf("sibeat: %d of %d bytes of the arena are in use",
              static_cast<int>(interpreter->arena_used_bytes()), SIBEAT_ARENA_BYTES);
  return true;
}

int8_t Score(const int8_t *input) {
  std::memcpy(interpreter->input(SIBEAT_WINDOW_INPUT)->data.int8, input, SIBEAT_WINDOW_BYTES);
#if SIBEAT_RHYTHM_FEATURES
  std::memcpy(interpreter->input(SIBEAT_RHYTHM_INPUT)->data.int8, input + SIBEAT_WINDOW_BYTES,
              SIBEAT_RHYTHM_FEATURES);
#endif
  invoked = invoked && interpreter->Invoke() == kTfLiteOk;
  return interpreter->output(SIBEAT_SCORE_OUTPUT)->data.int8[0];
}
#else
bool Boot() { return true; }

int8_t Score(const int8_t *input) {
  static int8_t scratch[SIBEAT_NET_SCRATCH_BYTES];
  int8_t score = 0;
  invoked = sibeat_net_run(input, input + SIBEAT_WINDOW_BYTES, &score, scratch) && invoked;
  return score;
}
#endif

// Stands for the sensor: a triangular wave a second long, in mV, its peak in the middle.
float Sample(int n) {
  const int from_peak = n % SIBEAT_RATE_HZ - SIBEAT_RATE_HZ / 2;
  const int distance = from_peak < 0 ? -from_peak : from_peak;
  return (distance < 18 ? 1.0f - distance / 18.0f : 0.0f) - 0.001f * distance;
}

int8_t newest;  // score of the last beat
int scored;

#if SIBEAT_RHYTHM_FEATURES
void OnBeat(void *, const sibeat_scored *beat) {
  newest = beat->has_score ? beat->level : newest;
  scored += beat->has_score;
}

// Watches a wearer whose beats are all the same, a second apart, through the warm-up and some beats more.
void Watch() {
  static sibeat_context context;
  sibeat_config config = {};
  config.version = SIBEAT_API_VERSION;
  config.rate = SIBEAT_RATE_HZ;
  config.gain = 1.0f;
  config.calls.beat = OnBeat;
  config.score = [](void *, const int8_t *input) { return Score(input); };

  if (sibeat_init(&context, &config) != SIBEAT_OK) return;
  for (int n = 0; n < (SIBEAT_WARM_UP + 10) * SIBEAT_RATE_HZ; n++) {
    float sample[SIBEAT_LEADS];
    for (float &lead : sample) lead = Sample(n);
    sibeat_push_f32(&context, sample, 1);
  }
  sibeat_finish(&context);
}
#else
void OnBeat(void *, const sibeat_cut *cut) {
  static int8_t input[SIBEAT_INPUT_BYTES];
  if (!cut->window) return;
  sibeat_quantise_window(cut->window, input);
  newest = Score(input);
  scored++;
}

// Finds the beats of some seconds, and scores each.
void Watch() {
  static sibeat_stream stream;
  static sibeat_aligner aligner;
  static sibeat_stretch stretch;
  static float room[SIBEAT_STREAM_ROOM];
  const sibeat_sink sink = {OnBeat, nullptr, nullptr, room};

  sibeat_stream_start(&stream, sibeat_rate_of(SIBEAT_RATE_HZ), 1.0f, &aligner, &stretch, &sink);
  for (int n = 0; n < 10 * SIBEAT_RATE_HZ; n++) {
    float sample[SIBEAT_LEADS];
    for (float &lead : sample) lead = Sample(n);
    sibeat_stream_push(&stream, sample);
  }
  sibeat_stream_finish(&stream);
}
#endif

}  // namespace

int main() {
  if (!Boot()) return 1;
  const sibeat_health health = sibeat_selftest(Score);
  if (health != SIBEAT_HEALTHY || !invoked) {
    MicroPrintf("sibeat: self-test FAILED (%d); no beat is scored", static_cast<int>(health));
    return 1;
  }
  Watch();
  if (!invoked || !scored) return 1;
  MicroPrintf("sibeat: self-test passed; a beat scored %d, %s the threshold; %d beats in all", newest,
              newest > SIBEAT_THRESHOLD_INT8 ? "above" : "not above", scored);
  return 0;
}

#endif  // SIBEAT_EXAMPLE
