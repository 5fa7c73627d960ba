// What every canvas of the page needs.

const NAMES = ["panel", "ink", "faint", "grid", "own", "S", "V", "heat"];
let palette = null;

/** Call draw anew whenever colours or sizes have changed. */
export function onLook(draw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    palette = null;
    draw();
  });
  addEventListener("resize", draw);
}

/** The page's colours as they are now, by name. */
export function paletteOf(element) {
  if (!palette) {
    const probe = element.ownerDocument.createElement("i");
    element.parentNode.append(probe);
    palette = Object.fromEntries(
      NAMES.map((name) => {
        probe.style.color = `var(--${name})`; // a canvas does not know light-dark()
        return [name, getComputedStyle(probe).color];
      }),
    );
    probe.remove();
  }
  return palette;
}

/** Clear a canvas, sharp on this screen. Returns its context and its size, px. */
export function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const density = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * density) || canvas.height !== Math.round(height * density)) {
    canvas.width = Math.round(width * density);
    canvas.height = Math.round(height * density);
  }
  const context = canvas.getContext("2d");
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
