// The strip that scrolls: the samples, the beats' names above, their heat below.

import { paletteOf, prepare } from "./drawing.js";
import { clockText } from "./words.js";

const HELD = 64; // s of samples
const SHORTEST = 8; // s that are shown at least
const WIDTH = 80; // px of a second, where there is room
const TOP = 30; // px for names
const BOTTOM = 44; // px for heat and time
const HEAT = 16; // px
const BEFORE = 140 / 360; // s of a window
const AFTER = 180 / 360;

export class Strip {
  constructor(canvas) {
    this.canvas = canvas;
    this.begin(360);
  }

  begin(rate) {
    this.rate = rate;
    this.ring = new Float32Array(HELD * rate).fill(NaN);
    this.count = 0;
    this.range = null;
  }

  push(samples) {
    for (const sample of samples) this.ring[this.count++ % this.ring.length] = sample;
  }

  /** Draw what ends at `now`, s. beats: in order of time, those that may be seen. */
  draw(now, beats) {
    const { context, width, height } = prepare(this.canvas);
    const colours = paletteOf(this.canvas);
    const seconds = Math.max(SHORTEST, width / WIDTH);
    const view = { context, width, height, colours, start: now - seconds, scale: width / seconds };
    this.grid(view);
    this.trace(view);
    beats.forEach((beat, at) => this.beat(view, beat, beats[at - 1], beats[at + 1]));
  }

  grid({ context, width, height, colours, start, scale }) {
    context.strokeStyle = colours.grid;
    context.fillStyle = colours.faint;
    context.lineWidth = 1;
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    const labelled = scale < 60 ? 2 : 1;
    for (let second = Math.max(0, Math.ceil(start)); (second - start) * scale < width; second++) {
      const x = Math.round((second - start) * scale) + 0.5;
      context.beginPath();
      context.moveTo(x, TOP);
      context.lineTo(x, height - BOTTOM + HEAT);
      context.stroke();
      if (second % labelled === 0) context.fillText(clockText(second), x, height - 8);
    }
  }

  trace({ context, width, height, colours, start, scale }) {
    const first = Math.max(0, this.count - this.ring.length + 1, Math.floor(start * this.rate));
    const last = Math.min(this.count - 1, Math.ceil((start + width / scale) * this.rate));
    const [low, high] = this.extremes(first, last);
    const place = (value) => TOP + ((high - value) / (high - low)) * (height - TOP - BOTTOM);
    context.strokeStyle = colours.ink;
    context.lineWidth = 1.4;
    context.lineJoin = "round";
    context.beginPath();
    let isDown = false;
    for (let at = first; at <= last; at++) {
      const value = this.ring[at % this.ring.length];
      const x = (at / this.rate - start) * scale;
      if (Number.isNaN(value)) isDown = false;
      else if (isDown) context.lineTo(x, place(value));
      else {
        context.moveTo(x, place(value));
        isDown = true;
      }
    }
    context.stroke();
    this.bar(context, colours, place(high - 1), place(high));
  }

  /** How high a millivolt is. */
  bar(context, colours, bottom, top) {
    context.strokeStyle = context.fillStyle = colours.faint;
    context.beginPath();
    context.moveTo(6.5, bottom);
    context.lineTo(6.5, top);
    context.stroke();
    context.textAlign = "left";
    context.lineWidth = 5;
    context.strokeStyle = colours.panel;
    context.strokeText("1 mV", 12, TOP + 12);
    context.fillText("1 mV", 12, TOP + 12);
  }

  /** The range of what is shown, which follows slowly, so that the strip does not jump. */
  extremes(first, last) {
    let low = Infinity;
    let high = -Infinity;
    for (let at = first; at <= last; at++) {
      const value = this.ring[at % this.ring.length];
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low > high) return this.range ?? [-1, 1];
    const middle = (low + high) / 2;
    const half = Math.max(0.75, ((high - low) / 2) * 1.05);
    const wanted = [middle - half, middle + half];
    const old = this.range;
    this.range = old ? wanted.map((value, side) => old[side] + 0.1 * (value - old[side])) : wanted;
    return this.range;
  }

  beat({ context, width, height, colours, start, scale }, beat, before, after) {
    const x = (beat.time - start) * scale;
    if (x < -60 || x > width + 60) return;
    context.textAlign = "center";
    context.fillStyle = colours[beat.kind] ?? colours.faint;
    context.font = `${beat.kind === "S" || beat.kind === "V" ? "bold 19px" : "14px"} system-ui, sans-serif`;
    context.fillText(beat.kind || "–", x, TOP - 9);
    if (!beat.shape) return;
    const { heat } = beat.shape;
    // Windows overlap where the heart is fast: each has the ticks that are nearer to it.
    const from = Math.max(-BEFORE, before ? (before.time - beat.time) / 2 : -BEFORE);
    const to = Math.min(AFTER, after ? (after.time - beat.time) / 2 : AFTER);
    context.fillStyle = colours.heat;
    const ticks = heat.length / (BEFORE + AFTER);
    for (let offset = Math.floor(from * scale); offset < to * scale; offset++) {
      const hot = heat[Math.round((offset / scale + BEFORE) * ticks)] ?? 0;
      if (hot < 0.02) continue;
      context.globalAlpha = hot;
      context.fillRect(Math.round(x) + offset, height - BOTTOM + 4, 1, HEAT);
    }
    context.globalAlpha = 1;
  }
}
