// Pages through a whole recording: an overview of heart rate and alarms, and a strip on ECG paper below it.
"use strict";
(async () => {
  const KINDS = ["", "S", "V", "alarm", "not scored", "doubted"];
  const [NORMAL, S, V, ALARM, LOST] = [0, 1, 2, 3, 4];
  const MM = 96 / 25.4; // CSS pixels
  const [SHORTEST, LONGEST] = [2, 600]; // s of a strip
  const data = JSON.parse(document.getElementById("recording").textContent);
  const section = document.getElementById("day");
  const overview = document.getElementById("overview"), strip = document.getElementById("strip");
  const where = document.getElementById("where"), wanted = document.getElementById("wanted");
  if (!globalThis.DecompressionStream) return; // the page says that it needs a newer browser

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return await new Response(stream).arrayBuffer();
  }

  async function readTrace({ differences, values, count }) {
    const steps = new Int8Array(await unpack(differences));
    const own = new DataView(await unpack(values)), levels = new Int16Array(count);
    for (let n = 0, level = 0, next = 0; n < count; n++) {
      level = steps[n] === -128 ? own.getInt16(2 * next++, true) : level + steps[n];
      levels[n] = level;
    }
    return levels;
  }

  async function readBeats({ times, kinds }) {
    const steps = new DataView(await unpack(times)), found = new Float64Array(steps.byteLength / 4);
    for (let n = 0, time = 0; n < found.length; n++) found[n] = (time += steps.getInt32(4 * n, true)) / 100;
    return [found, new Uint8Array(await unpack(kinds))];
  }

  const { seconds, square, clock, lost, episodes, trace: { rate, step } } = data;
  const levels = await readTrace(data.trace), MISSING = -32768;
  const [times, kinds] = await readBeats(data.beats);
  const pulses = Float64Array.from(times, (time, n) => { // the median of five: a single early beat is no pulse
    const rr = [];
    for (let m = Math.max(1, n - 2); m < Math.min(times.length, n + 3); m++)
      if (times[m] - times[m - 1] < 3 && kinds[m] !== LOST) rr.push(times[m] - times[m - 1]);
    return rr.length ? 60 / rr.sort((one, other) => one - other)[rr.length >> 1] : 0;
  });
  let begin = data.first, speed = 25; // of the strip: s, mm/s
  const longest = Math.min(LONGEST, Math.max(seconds, SHORTEST));
  const spanAt = (one) => Math.min(Math.max(strip.clientWidth / (one * MM), SHORTEST), longest); // s
  section.hidden = false;
  section.querySelector(".needs").remove();

  const two = (number) => String(number).padStart(2, "0");
  function told(time, hasTenths = false) {
    const parts = hasTenths ? 10 : 1, whole = Math.round((time + (clock ?? 0)) * parts);
    const tick = Math.floor(whole / parts), days = clock === null ? 0 : Math.floor(tick / 86400);
    const hours = Math.floor(tick / 3600) - 24 * days; // midnight is clear within a day
    const text = `${clock === null ? hours : two(hours)}:${two(Math.floor(tick / 60) % 60)}:${two(tick % 60)}`;
    return text + (hasTenths ? `.${whole % 10}` : "") + (days && seconds > 86400 ? ` +${days} d` : "");
  }

  function after(list, time) { // the place of the first that is later
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] > time) high = middle; else low = middle + 1;
    }
    return low;
  }

  function ready(canvas) { // its context in CSS pixels, and its size
    const scale = devicePixelRatio || 1, { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const draw = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    draw.scale(scale, scale);
    draw.font = "11px system-ui, sans-serif";
    return { draw, width, height, colour: (name) => style.getPropertyValue(`--${name}`).trim() };
  }

  function lines({ draw }, colour, places, along) {
    draw.beginPath();
    for (const place of places) along(place);
    draw.strokeStyle = colour;
    draw.stroke();
  }

  function ticks(first, last, most) { // round times between two
    const wide = (last - first) / most, rounds = [1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200];
    const each = rounds.find((one) => one >= wide) ?? 86400, shift = (clock ?? 0) % each, found = [];
    for (let tick = Math.ceil((first + shift) / each) * each - shift; tick <= last; tick += each) found.push(tick);
    return found;
  }

  function drawOverview() {
    const view = ready(overview), { draw, width, height, colour } = view, base = height - 34;
    const x = (time) => (time / seconds) * width, column = seconds / width;
    draw.fillStyle = colour("lost");
    for (const [first, last] of lost) draw.fillRect(x(first), 0, Math.max(1, x(last) - x(first)), height - 14);
    const y = (pulse) => base - ((Math.min(Math.max(pulse, 30), 180) - 30) / 150) * (base - 4);
    lines(view, colour("line"), [60, 120].map(y), (place) => { draw.moveTo(0, place); draw.lineTo(width, place); });
    const most = Math.max(3, column / 2); // alarms that fill a column
    for (let place = 0, n = 0; place < width; place++) {
      const rates = [], found = [0, 0, 0, 0];
      for (; n < times.length && times[n] < (place + 1) * column; n++) {
        if (pulses[n]) rates.push(pulses[n]);
        if (kinds[n] < LOST) found[kinds[n]]++;
      }
      if (rates.length) { // without the slowest and the fastest tenth
        rates.sort((one, other) => one - other);
        const edge = Math.floor(rates.length / 10), top = y(rates[rates.length - 1 - edge]);
        draw.fillStyle = colour("pulse");
        draw.fillRect(place, top, 1, Math.max(1.5, y(rates[edge]) - top));
      }
      let foot = height - 14;
      for (const kind of [V, ALARM, S]) {
        const tall = (Math.min(1, found[kind] / most) || 0) * 18;
        draw.fillStyle = colour(kind === S ? "early" : "alarm");
        if (found[kind]) draw.fillRect(place, foot - Math.max(2, tall), 1, Math.max(2, tall));
        foot -= found[kind] ? Math.max(2, tall) : 0;
      }
    }
    draw.fillStyle = colour("faint");
    for (const pulse of [60, 120]) {
      const text = `${pulse}/min`;
      draw.fillStyle = colour("back");
      draw.fillRect(0, y(pulse) - 6, draw.measureText(text).width + 4, 12);
      draw.fillStyle = colour("faint");
      draw.fillText(text, 2, y(pulse) + 4);
    }
    draw.textAlign = "center";
    for (const tick of ticks(0, seconds, width / 70)) {
      const text = seconds < 3600 ? told(tick) : told(tick).replace(/:00(?= |$)/, "");
      const half = draw.measureText(text).width / 2;
      if (x(tick) > half && x(tick) < width - half) draw.fillText(text, x(tick), height - 2);
    }
    draw.strokeStyle = colour("ink");
    draw.strokeRect(Math.round(x(begin)) - 0.5, 0.5, Math.max(3, x(spanAt(speed))), height - 15);
  }

  function drawStrip() {
    const view = ready(strip), { draw, width, height, colour } = view;
    const span = spanAt(speed);
    begin = Math.min(Math.max(begin, 0), Math.max(0, seconds - span));
    const x = (time) => ((time - begin) / span) * width, across = width / span;
    const up = (5 * MM) / square, first = Math.max(0, Math.floor(begin * rate));
    const last = Math.min(levels.length, Math.ceil((begin + span) * rate) + 1);
    const known = [];
    for (let n = first; n < last; n += Math.max(1, Math.floor((last - first) / 2000)))
      if (levels[n] !== MISSING) known.push(levels[n]);
    const at = (share) => known[Math.floor(share * (known.length - 1))] * step || 0;
    known.sort((one, other) => one - other);
    const middle = (at(0.5) + (at(0.002) + at(0.998)) / 2) / 2;
    const y = (level) => height / 2 + 8 - (level * step - middle) * up;
    draw.fillStyle = colour("paper");
    draw.fillRect(0, 0, width, height);
    for (const [name, time, tall] of [["grid-small", 0.04, 1], ["grid", 0.2, 5]]) {
      if (time * across < 3) continue;
      const columns = Array.from({ length: Math.ceil(span / time) + 1 }, (_, n) => x((Math.ceil(begin / time) + n) * time));
      const rows = Array.from({ length: Math.ceil(height / (tall * MM)) }, (_, n) => n * tall * MM);
      draw.lineWidth = name === "grid" ? 0.9 : 0.6;
      lines(view, colour(name), columns, (place) => { draw.moveTo(place, 0); draw.lineTo(place, height); });
      lines(view, colour(name), rows, (place) => { draw.moveTo(0, place); draw.lineTo(width, place); });
    }
    for (const [from, to, reason] of lost) {
      if (to < begin || from > begin + span) continue;
      draw.fillStyle = colour("lost");
      draw.fillRect(x(from), 0, x(to) - x(from), height);
      draw.fillStyle = colour("faint");
      draw.fillText(`not scored: ${reason}`, Math.max(2, x(from) + 2), height - 6);
    }
    const trace = (from, to, name) => {
      draw.beginPath();
      draw.strokeStyle = colour(name);
      draw.lineWidth = 1.2;
      let isDrawn = false;
      const each = Math.max(1, Math.floor((last - first) / width / 4)); // samples a quarter of a pixel
      for (let n = Math.max(first, Math.floor(from * rate)); n < Math.min(last, to * rate); n += each) {
        let low = levels[n], high = low;
        for (let m = n + 1; m < Math.min(n + each, last); m++) [low, high] = [Math.min(low, levels[m]), Math.max(high, levels[m])];
        if (low === MISSING) { isDrawn = false; continue; }
        const place = x((n + 0.5) / rate);
        if (isDrawn) draw.lineTo(place, y(low)); else draw.moveTo(place, y(low));
        if (high !== low) draw.lineTo(place, y(high));
        isDrawn = true;
      }
      draw.stroke();
    };
    trace(begin, begin + span, "ink");
    draw.textAlign = "center";
    const isDense = across < 24;
    for (let n = after(times, begin - 0.3); n < times.length && times[n] < begin + span + 0.2; n++) {
      const kind = kinds[n], isAlarm = kind === S || kind === V || kind === ALARM, place = x(times[n]);
      if (isAlarm) trace(times[n] - 0.12, times[n] + 0.28, kind === S ? "early" : "alarm");
      draw.fillStyle = colour(kind === S ? "early" : isAlarm ? "alarm" : "faint");
      if (isDense && isAlarm) draw.fillRect(place - 0.5, 18, 1.5, 8);
      else if (!isDense) draw.fillText({ [S]: "S", [V]: "V", [ALARM]: "▼", [LOST]: "×" }[kind] ?? "•", place, 28);
    }
    draw.textAlign = "left";
    draw.fillStyle = colour("faint");
    for (const tick of ticks(begin, begin + span, width / 80)) {
      draw.fillRect(x(tick), 0, 1, 4);
      if (x(tick) < width - 52) draw.fillText(told(tick), x(tick) + 3, 12);
    }
    const size = 5 / square;
    where.textContent = `${told(begin, true)} · ${Number(span.toPrecision(2))} s · ` +
      `${Number((across / MM).toPrecision(3))} mm/s, ${Number(size.toPrecision(3))} mm/mV`;
  }

  let isWaiting = false;
  function show(time = begin, fast = speed) {
    [begin, speed] = [time, fast];
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => { isWaiting = false; drawStrip(); drawOverview(); });
  }
  const zoom = (factor, share = 0.5) => {
    const before = spanAt(speed), after = spanAt(speed / factor);
    show(begin + (before - after) * share, strip.clientWidth / (after * MM));
  };
  const places = () => wanted.value.startsWith("beat:")
    ? [...times].filter((_, n) => wanted.value === "beat:any" ? kinds[n] > NORMAL && kinds[n] < LOST : KINDS[kinds[n]] === wanted.value.slice(5))
    : episodes.filter(([what]) => what === wanted.value).map(([, start]) => start);
  function find(forward) {
    const found = places(), lead = spanAt(speed) / 4, next = after(found, begin + lead + (forward ? 0.05 : -0.05));
    const time = found[forward ? next : next - 1];
    if (time !== undefined) show(time - lead);
  }
  const actions = {
    previous: () => find(false), next: () => find(true), out: () => zoom(2), in: () => zoom(0.5),
    back: () => show(begin - spanAt(speed) * 0.9), on: () => show(begin + spanAt(speed) * 0.9), paper: () => show(begin, 25),
  };
  for (const button of section.querySelectorAll("button")) button.onclick = actions[button.dataset.do];
  strip.onkeydown = (event) => {
    const name = { ArrowLeft: "back", ArrowRight: "on", "+": "in", "-": "out", n: "next", p: "previous" }[event.key];
    if (name) { actions[name](); event.preventDefault(); }
  };
  strip.onwheel = (event) => {
    if (event.ctrlKey) zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / strip.clientWidth);
    else if (event.deltaX) show(begin + event.deltaX / (speed * MM));
    if (event.ctrlKey || event.deltaX) event.preventDefault();
  };
  const dragged = (canvas, move) => {
    let before = 0;
    const moved = (event) => { move(event, event.offsetX - before); before = event.offsetX; };
    canvas.onpointerdown = (event) => { canvas.setPointerCapture(event.pointerId); before = event.offsetX; moved(event); };
    canvas.onpointermove = (event) => { if (event.buttons) moved(event); };
  };
  dragged(strip, (event, by) => show(begin - by / (speed * MM)));
  dragged(overview, (event) => show((event.offsetX / overview.clientWidth) * seconds - spanAt(speed) / 2));
  for (const link of document.querySelectorAll("a[data-time]"))
    link.onclick = () => show(Number(link.dataset.time) - spanAt(speed) / 4); // and the link leads to the viewer
  matchMedia("(prefers-color-scheme: dark)").onchange = () => show();
  new ResizeObserver(() => show()).observe(strip);
  document.documentElement.dataset.viewer = "ready";
})();
