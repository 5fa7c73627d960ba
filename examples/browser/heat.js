// Where in a beat the anomaly is: its distance from the wearer's own beat, tick by tick.
//
// The input of the model holds both side by side as int8, scaled so that the wearer's own goes from -1 to 1.

const HOTTEST = 1; // half of the own beat's height: the distance from which a tick is as hot as can be

/** The two curves of a model's input, Float32Array each, and the heat of each tick, 0 to 1. */
export function readInput(input, length, { scale, zero }) {
  const beat = new Float32Array(length);
  const own = new Float32Array(length);
  const heat = new Float32Array(length);
  for (let tick = 0; tick < length; tick++) {
    beat[tick] = (input[2 * tick] - zero) * scale;
    own[tick] = (input[2 * tick + 1] - zero) * scale;
    heat[tick] = Math.min(1, Math.abs(beat[tick] - own[tick]) / HOTTEST);
  }
  return { beat, own, heat };
}
