// Where in a beat the anomaly is: its distance from the wearer's own beat, tick by tick.
//
// The window among the model's inputs holds both side by side, scaled so that the wearer's own goes from -1
// to 1.

const HOTTEST = 1; // half of the own beat's height: the distance from which a tick is as hot as can be

/** The curves of a model's input and the heat of each tick, 0 to 1: Float32Arrays {beat, own, heat}. */
export function readInput(input, c) {
  const real = (level) => (level - c.input_zero_point()) * c.input_scale();
  const length = c.window_bytes() / 2;
  const beat = Float32Array.from({ length }, (_, tick) => real(input[2 * tick]));
  const own = Float32Array.from({ length }, (_, tick) => real(input[2 * tick + 1]));
  const heat = beat.map((value, tick) => Math.min(1, Math.abs(value - own[tick]) / HOTTEST));
  return { beat, own, heat };
}
