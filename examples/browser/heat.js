// Where in a beat the anomaly is: its distance from the wearer's own beat, as wide as a wave is, not as a tick.
//
// The window among the model's inputs holds both side by side, scaled so that the wearer's own goes from -1
// to 1. sibeat_edge draws the same map in its report: the squared difference, smoothed by a Hann window.

const WIDTH = 40; // ticks of 1/360 s
const HOTTEST = 1; // half of the own beat's height: the distance from which a tick is as hot as can be
const WEIGHTS = Float32Array.from(
  { length: WIDTH - 1 },
  (_, at) => Math.sin(((at + 1) * Math.PI) / WIDTH) ** 2,
);
const TOTAL = WEIGHTS.reduce((sum, weight) => sum + weight);

/** The curves of a model's input and the heat of each tick, 0 to 1: Float32Arrays {beat, own, heat}. */
export function readInput(input, c) {
  const real = (level) => (level - c.input_zero_point()) * c.input_scale();
  const length = c.window_bytes() / 2;
  const beat = Float32Array.from({ length }, (_, tick) => real(input[2 * tick]));
  const own = Float32Array.from({ length }, (_, tick) => real(input[2 * tick + 1]));
  const map = smoothed(beat.map((value, tick) => (value - own[tick]) ** 2));
  return { beat, own, heat: map.map((square) => Math.min(1, Math.sqrt(square) / HOTTEST)) };
}

/** The mean around each tick; beyond the ends counts as nothing. */
function smoothed(map) {
  return map.map((_, tick) => {
    const at = (near) => map[tick + near - WIDTH / 2 + 1] ?? 0;
    return WEIGHTS.reduce((sum, weight, near) => sum + weight * at(near), 0) / TOTAL;
  });
}
