// The firmware's C as WebAssembly: samples in, judged beats out.

import { readInput } from "./heat.js";

const KINDS = { 0: "", 78: "N", 83: "S", 86: "V" };
const WHYS = ["", "shape", "timing", "both"];
const QUALITIES = ["good", "noisy"];
export const EPISODES = [
  "ventricular run", "supraventricular run", "bigeminy", "frequent ectopic beats", "irregular rhythm",
  "bradycardia", "tachycardia", "pause",
];
const WHOLE = 0; // the question to the model that asks for a beat's score

/** One wearer's stream. */
export class Stream {
  /**
   * module: of sibeat.wasm. rate: samples a second. score: scores an input. hear: what is told of each
   * {type: "beat" | "settled" | "episode" | "alarm"}; times in s. Throws where the C does not take the rate.
   */
  constructor(module, rate, score, hear) {
    this.score = score;
    this.hear = hear;
    this.inputs = new Map(); // of beats that are not judged yet, by their time
    const page = {
      score: (time, question, address) => this.ask(time, question, address),
      beat: (...told) => this.tell(...told),
      settled: (number, kind, why) => hear({ type: "settled", number, kind: KINDS[kind], why: WHYS[why] }),
      episode: (what, start, end, goesOn) =>
        hear({ type: "episode", what: EPISODES[what], start, end: goesOn ? null : end }),
      alarm: (what, start) => hear({ type: "alarm", what: EPISODES[what], start }),
    };
    this.c = new WebAssembly.Instance(module, { page }).exports;
    this.c._initialize();
    this.c.start(rate);
  }

  ask(time, question, address) {
    const input = new Int8Array(this.c.memory.buffer, address, this.c.input_bytes());
    if (question === WHOLE) this.inputs.set(time, input.slice());
    return this.score(input);
  }

  tell(time, rr, kind, why, quality, score, above) {
    const input = this.inputs.get(time);
    this.inputs.delete(time);
    const beat = { type: "beat", time, rr, kind: KINDS[kind], why: WHYS[why], quality: QUALITIES[quality] };
    if (input) {
      beat.score = this.real(score);
      beat.isAbove = Boolean(above);
      Object.assign(beat, readInput(input, this.c.length(), { scale: this.c.input_scale(), zero: this.c.input_zero() }));
    }
    this.hear(beat);
  }

  /** The score that an int8 number stands for. */
  real(score) {
    return (score - this.c.score_zero()) * this.c.score_scale();
  }

  /** The wearer's own threshold as it is now. */
  get limit() {
    return this.c.limit();
  }

  /** Play samples, Float32Array in mV; NaN is a missing one. */
  push(samples) {
    const most = this.c.capacity();
    for (let first = 0; first < samples.length; first += most) {
      const part = samples.subarray(first, first + most);
      new Float32Array(this.c.memory.buffer, this.c.samples(), most).set(part);
      this.c.push(part.length);
    }
  }

  /** The recording is over: all beats are judged. */
  finish() {
    this.c.finish();
  }
}
