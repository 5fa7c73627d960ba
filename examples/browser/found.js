// What was found, beside the strip: counts, abnormal beats, episodes.

import { onLook, paletteOf, prepare } from "./drawing.js";
import { clockText, whyText } from "./words.js";

const CARDS = 12;
const LINES = 30;
const SHAPED = 200; // newest beats of which the shape is kept: a recording may have a hundred thousand
const RATED = 8; // RR intervals whose median is the heart rate
const byId = (id) => document.getElementById(id);

export class Found {
  constructor() {
    this.abnormal = byId("abnormal");
    this.episodes = byId("episodes");
    this.begin();
    onLook(() => this.cards.forEach(({ card, shape }) => curves(card.children[1], shape)));
  }

  begin() {
    this.beats = [];
    this.counts = { "": 0, N: 0, S: 0, V: 0 };
    this.cards = new Map();
    this.lines = new Map(); // of the newest episode of each sort: {line, isOpen}
    this.abnormal.replaceChildren();
    this.episodes.replaceChildren();
    byId("no-episodes").hidden = false;
  }

  /** Take what a stream tells. */
  hear(told) {
    this[told.type](told);
  }

  beat(beat) {
    this.beats.push(beat);
    this.counts[beat.kind]++;
    if (beat.kind === "S" || beat.kind === "V") this.show(beat);
    delete this.beats.at(-SHAPED)?.shape;
  }

  /** A beat is of another kind, with what has been learnt since. */
  revised({ number, kind, why }) {
    const beat = this.beats[number];
    this.counts[beat.kind]--;
    this.counts[kind]++;
    Object.assign(beat, { kind, why, isRevised: true });
    const shown = this.cards.get(beat);
    if (shown) label(shown.card, beat);
  }

  episode({ what, start, end }) {
    byId("no-episodes").hidden = true;
    const known = this.lines.get(what);
    const line = known?.isOpen ? known.line : this.add(what);
    const rest = end === null ? "and goes on" : `to ${clockText(end)}`;
    line.lastChild.textContent = `${clockText(start)} ${rest}`;
    this.lines.set(what, { line, isOpen: end === null });
  }

  add(what) {
    const line = document.createElement("li");
    line.append(what, document.createElement("span"));
    this.episodes.prepend(line);
    if (this.episodes.children.length > LINES) this.episodes.lastChild.remove();
    return line;
  }

  /** A device would tell this one. */
  alarm({ what }) {
    const { line } = this.lines.get(what);
    line.className = "told";
    line.firstChild.textContent = `${what}: told`;
  }

  show(beat) {
    const card = document.createElement("li");
    card.append(
      document.createElement("div"),
      document.createElement("canvas"),
      document.createElement("div"),
    );
    label(card, beat);
    this.abnormal.prepend(card);
    this.cards.set(beat, { card, shape: beat.shape });
    curves(card.children[1], beat.shape);
    if (this.abnormal.children.length > CARDS) {
      this.abnormal.lastChild.remove();
      this.cards.delete(this.cards.keys().next().value);
    }
  }

  /** Write the numbers. limit: the threshold now. */
  count(limit) {
    const rrs = this.beats
      .slice(-RATED)
      .map((beat) => beat.rr)
      .filter((rr) => rr > 0)
      .sort((a, b) => a - b);
    byId("heart").textContent = rrs.length ? Math.round(60 / rrs[rrs.length >> 1]) : "–";
    byId("beats").textContent = this.beats.length;
    byId("S").textContent = this.counts.S;
    byId("V").textContent = this.counts.V;
    byId("unscored").textContent = this.counts[""];
    byId("limit").textContent = limit.toFixed(2);
  }
}

function label(card, beat) {
  const name = document.createElement("b");
  name.textContent = beat.kind || "–";
  name.className = beat.kind;
  const why = beat.isRevised ? `${whyText(beat) || "normal"}, judged again` : whyText(beat);
  card.firstChild.replaceChildren(name, ` ${why}`);
  card.lastChild.textContent = `${clockText(beat.time, 1)}, score ${beat.score.toFixed(1)}`;
}

function curves(canvas, { beat, own, heat }) {
  const { context, width, height } = prepare(canvas);
  const colours = paletteOf(canvas);
  const low = Math.min(...own, ...beat);
  const high = Math.max(...own, ...beat);
  const tall = height - 16;
  for (const [curve, colour] of [
    [own, colours.own],
    [beat, colours.ink],
  ]) {
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.beginPath();
    curve.forEach((value, tick) =>
      context.lineTo((tick / curve.length) * width, 3 + ((high - value) / (high - low)) * (tall - 6)),
    );
    context.stroke();
  }
  context.fillStyle = colours.heat;
  heat.forEach((hot, tick) => {
    context.globalAlpha = hot;
    context.fillRect((tick / heat.length) * width, height - 12, width / heat.length, 10);
  });
  context.globalAlpha = 1;
}
