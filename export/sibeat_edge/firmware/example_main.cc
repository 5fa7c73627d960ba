// SPDX-License-Identifier: MIT
// Boots the model, checks it, and scores a beat. Copy what you need. The model runs as plain C; where SIBEAT_TFLM is
// defined, on TensorFlow Lite Micro. It is compiled only where SIBEAT_EXAMPLE is defined, so that its main meets no
// other one.
#ifdef SIBEAT_EXAMPLE

#include <cmath>
#include <cstdint>
#include <cstring>

#include "sibeat_config.h"
#include "sibeat_preprocess.h"
#include "sibeat_quality.h"
#include "sibeat_selftest.h"
#if SIBEAT_RHYTHM_FEATURES
#include "sibeat_monitor.h"
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
  return distance < 18 ? 1.0f - distance / 18.0f : 0.0f;
}

#if SIBEAT_RHYTHM_FEATURES
// Watches a wearer whose beats are all the same, a second apart, through the warm-up and a beat more. Returns the score
// of the last one.
int8_t Monitor(const float *window) {
  static sibeat_monitor monitor;
  static int8_t newest;
  sibeat_calls calls = {};
  calls.score = [](void *, const int8_t *input) { return Score(input); };
  calls.judged = [](void *, const sibeat_outcome *outcome) { newest = outcome->score; };

  sibeat_monitor_init(&monitor, &calls);
  for (int beat = 0; beat <= SIBEAT_WARM_UP; beat++) {
    float likeness, ratio;
    const float *around = window + (SIBEAT_BEFORE - SIBEAT_ALIGN_BEFORE) * SIBEAT_LEADS;
    sibeat_aligner_push(&monitor.aligner, around, SIBEAT_LEADS, &likeness);
    const int fit = sibeat_stretch_push(&monitor.stretch, likeness, &ratio);
    const bool is_fine = sibeat_quality_of(window, fit) == SIBEAT_FINE;
    const sibeat_beat pushed = {static_cast<int64_t>(beat) * SIBEAT_TICKS, beat ? 1.0f : NAN, likeness,
                                is_fine ? window : nullptr};
    sibeat_monitor_push(&monitor, &pushed);
  }
  sibeat_monitor_finish(&monitor);
  return newest;
}
#endif

// Filters the lead until the window of the peak in its second second is there, then scores it. An R-peak
// detector, which a firmware brings along, runs on the filtered lead.
int8_t ScoreBeat() {
  static sibeat_band_pass filters[SIBEAT_LEADS];
  static float window[SIBEAT_LENGTH * SIBEAT_LEADS];
  const int first = SIBEAT_RATE_HZ + SIBEAT_RATE_HZ / 2 - SIBEAT_BEFORE;

  for (sibeat_band_pass &filter : filters) sibeat_band_pass_start(&filter);
  for (int n = 0; n - SIBEAT_DELAY < first + SIBEAT_LENGTH; n++) {
    for (int lead = 0; lead < SIBEAT_LEADS; lead++) {
      float filtered;
      const bool there = sibeat_band_pass_push(&filters[lead], Sample(n), &filtered);
      const int place = n - SIBEAT_DELAY - first;
      if (there && place >= 0) window[place * SIBEAT_LEADS + lead] = filtered;
    }
  }
#if SIBEAT_RHYTHM_FEATURES
  return Monitor(window);
#else
  static int8_t input[SIBEAT_INPUT_BYTES];
  sibeat_quantise_window(window, input);
  return Score(input);
#endif
}

}  // namespace

int main() {
  if (!Boot()) return 1;
  const sibeat_health health = sibeat_selftest(Score);
  if (health != SIBEAT_HEALTHY || !invoked) {
    MicroPrintf("sibeat: self-test FAILED (%d); no beat is scored", static_cast<int>(health));
    return 1;
  }
  const int score = ScoreBeat();
  if (!invoked) return 1;
  MicroPrintf("sibeat: self-test passed; a beat scored %d, %s", score,
              score > SIBEAT_THRESHOLD_INT8 ? "an alarm" : "no alarm");
  return 0;
}

#endif  // SIBEAT_EXAMPLE
