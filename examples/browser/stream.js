// The firmware's C as WebAssembly: samples in, judged beats out. sibeat_page.c is the other side.

import { readInput } from "./heat.js";

const WHYS = ["", "shape", "timing", "both"];
const REASONS = ["", "missing", "flat", "saturated", "noisy", "motion", "edge", "warm-up"];
const EPISODES = [
  "ventricular run",
  "supraventricular run",
  "bigeminy",
  "frequent ectopic beats",
  "irregular rhythm",
  "bradycardia",
  "tachycardia",
  "pause",
];
const WHOLE = 0; // the question to the model that asks for a beat's score

const letter = (kind) => (kind ? String.fromCharCode(kind) : "");

/** One wearer's stream. */
export class Stream {
  /**
   * module: of sibeat.wasm. rate: samples a second. score: of an input of the model, Int8Array, its int8
   * number. hear: what is told of each {type: "beat" | "revised" | "episode" | "alarm", ...}, times in s. A
   * beat has time, rr, kind ("N", "S", "V" or ""), why, reason, isIrregular; one with a score has score and
   * shape (heat.js), too. Throws what was found, and expected, where the C does not take the rate.
   */
  constructor(module, rate, score, hear) {
    const inputs = new Map(); // of beats that have no verdict yet, by their time
    const page = {
      score: (time, question, address) => {
        const input = new Int8Array(this.c.memory.buffer, address, this.c.input_bytes());
        if (question === WHOLE) inputs.set(time, input.slice());
        return score(input);
      },
      beat: (time, rr, kind, why, reason, hasScore, number, isIrregular) => {
        const scored = hasScore ? { score: number, shape: readInput(inputs.get(time), this.c) } : {};
        inputs.delete(time);
        const told = {
          kind: letter(kind),
          why: WHYS[why],
          reason: REASONS[reason],
          isIrregular: isIrregular !== 0,
        };
        hear({ type: "beat", time, rr, ...told, ...scored });
      },
      revised: (number, kind, why) => hear({ type: "revised", number, kind: letter(kind), why: WHYS[why] }),
      episode: (what, start, end, goesOn) =>
        hear({ type: "episode", what: EPISODES[what], start, end: goesOn ? null : end }),
      alarm: (what, start) => hear({ type: "alarm", what: EPISODES[what], start }),
    };
    this.c = new WebAssembly.Instance(module, { page }).exports;
    this.c._initialize();
    if (!Number.isInteger(rate) || this.c.start(rate) !== 0)
      throw new Error(`found ${rate} samples a second; expected one of ${this.rates().join(", ")}`);
  }

  rates() {
    const rates = [];
    while (this.c.rate_of(rates.length)) rates.push(this.c.rate_of(rates.length));
    return rates.sort((a, b) => a - b);
  }

  /** The threshold that the wearer has taught until now. */
  get limit() {
    return this.c.limit();
  }

  /** Play samples, Float32Array in mV; NaN is a missing one. */
  push(samples) {
    const most = this.c.block();
    for (let first = 0; first < samples.length; first += most) {
      const part = samples.subarray(first, first + most);
      new Float32Array(this.c.memory.buffer, this.c.samples(), most).set(part);
      this.c.push(part.length);
    }
  }

  /** The recording is over: all beats are judged, all episodes end. */
  finish() {
    this.c.finish();
  }
}
