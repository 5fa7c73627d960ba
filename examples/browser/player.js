// Plays a recording in real time or faster.

import { Stream } from "./stream.js";

const BLOCK = 0.5; // s that are pushed between two looks at the clock
const LATEST = 1; // s of real time that are caught up with, where the browser was busy

export class Player {
  /** hear: what a stream tells. show: gets the samples that have been played. */
  constructor(module, score, hear, show) {
    Object.assign(this, { module, score, show, speed: 1, isPaused: false, isOver: true });
    this.hear = (told) => {
      if (told.type === "beat" && told.kind) this.hasJudged = true;
      hear(told);
    };
  }

  /** Begin a recording of {samples: Float32Array in mV, rate}. Throws as a Stream does. */
  begin({ samples, rate }) {
    const stream = new Stream(this.module, rate, this.score, this.hear);
    Object.assign(this, { stream, samples, rate, played: 0, isOver: false, hasJudged: false });
  }

  /** The time that is played, s. */
  get time() {
    return this.played / this.rate;
  }

  /**
   * Play the warm-up as fast as it goes: until a beat is judged, or the end. Returns the seconds played.
   * `rest` is awaited in between, so that the page lives.
   */
  async warmUp(rest) {
    const { stream } = this;
    while (!this.hasJudged && !this.isOver && this.stream === stream) {
      for (let block = 0; block < 10 && !this.hasJudged && !this.isOver; block++) this.play(BLOCK);
      await rest();
    }
    return this.time;
  }

  /** Play what has become due in `elapsed` seconds. */
  advance(elapsed) {
    if (this.isPaused || this.isOver) return;
    this.due = (this.due ?? 0) + Math.min(elapsed, LATEST) * this.speed;
    const seconds = Math.floor(this.due * this.rate) / this.rate;
    this.due -= seconds;
    this.play(seconds);
  }

  play(seconds) {
    const end = Math.min(this.samples.length, this.played + Math.round(seconds * this.rate));
    const part = this.samples.subarray(this.played, end);
    this.stream.push(part);
    this.show(part);
    this.played = end;
    if (end === this.samples.length) {
      this.isOver = true;
      this.stream.finish();
    }
  }
}
