// Reads a file that was dropped: text, a row a sample, or raw int16.

import { readText } from "./text.js";

const MOST = 64; // MiB
const RAW = /\.(i16|int16|raw|bin|dat|pcm)$/i;
const STEPS = { V: 1e-3, mV: 1, µV: 1e3 }; // a mV

/**
 * Read a file. given: {rate: Hz, unit, steps: a mV, column: from 1}, NaN or "" where the file is to tell.
 * Returns {samples: Float32Array in mV, rate, told: how it was understood}. Throws what was found, and what
 * was expected.
 */
export async function readFile(file, given) {
  if (file.size === 0) refuse("found an empty file; expected text with a row a sample, or raw int16");
  if (file.size > MOST * 2 ** 20)
    refuse(`found ${(file.size / 2 ** 20).toFixed(0)} MiB; expected at most ${MOST}`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const isRaw = RAW.test(file.name) || bytes.subarray(0, 4096).includes(0);
  const found = isRaw ? readRaw(bytes) : readText(new TextDecoder().decode(bytes), given.column, refuse);
  const rate = given.rate > 0 ? given.rate : found.rate;
  if (!(rate > 0)) refuse("found no column of time; expected a rate in Hz (type it below, then press Play)");
  const unit = given.unit || found.unit || guess(found.values);
  const steps = unit === "steps" ? given.steps : STEPS[unit];
  if (!(steps > 0)) refuse(`found ${given.steps} steps a mV; expected a number above 0`);
  const parts = [
    found.name,
    unit === "steps" ? `${steps} steps a mV` : unit,
    `${Number(rate.toFixed(2))} Hz`,
  ];
  return {
    samples: found.values.map((value) => value / steps),
    rate,
    told: parts.filter(Boolean).join(", "),
  };
}

function refuse(found) {
  throw new Error(found);
}

function readRaw(bytes) {
  if (bytes.length % 2) refuse(`found ${bytes.length} bytes of raw int16; expected an even number`);
  const view = new DataView(bytes.buffer);
  const values = Float32Array.from({ length: bytes.length / 2 }, (_, at) => view.getInt16(2 * at, true));
  return { values, rate: NaN, unit: "steps", name: "raw int16" };
}

/** The unit in which an electrocardiogram spans so much. */
function guess(values) {
  const known = values.filter((value) => !Number.isNaN(value)).sort();
  const span = known[Math.floor(0.99 * known.length)] - known[Math.floor(0.01 * known.length)];
  return span < 0.02 ? "V" : span < 50 ? "mV" : "µV";
}
