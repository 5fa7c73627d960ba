// SPDX-License-Identifier: MIT
// Takes a recording by the serial line and answers with its beats; see examples/README.md.
#include <sibeat_replay.h>

const uint32_t RATE = 360;    // Hz
const float UNIT = 0.005f;    // mV

static sibeat_context context;
static sibeat_replay replay;

static void put(const char *text) { Serial.print(text); }

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
  sibeat_replay_begin(&replay, &context, RATE, UNIT, put);
}

void loop() {
  if (Serial.available() > 0) sibeat_replay_byte(&replay, (uint8_t)Serial.read());
}
