// Columns of numbers in a text: CSV, TSV, or words.

const DELIMITERS = [";", "\t", ",", /\s+/];
const COMMENT = /^\s*(#|%|\/\/|$)/;
const MISSING = /^(nan|na|n\/a|null|none|-)?$/i;
const CLOCK = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)$/;
const SCOUT = 200; // rows by which columns are told apart
const RATES = [50, 10000]; // Hz: a column that counts faster or slower is no clock
const SECONDS = { s: 1, ms: 1e-3, us: 1e-6, "µs": 1e-6, ns: 1e-9 };

/**
 * The lead in a text. column: the lead's, from 1; NaN for the first that is no clock. Calls refuse with what is wrong.
 * Returns {values: Float32Array, NaN where missing; rate: Hz or NaN; unit: "" if not told; name: of the column}.
 */
export function readText(text, column, refuse) {
  const lines = text.split(/\r\n|\r|\n/);
  const layout = layoutOf(lines);
  if (!layout) refuse("found no column of numbers; expected text with a row a sample, or raw int16 (.i16)");
  const { first, cells, parse, heading } = layout;
  const scout = lines.slice(first, first + SCOUT).filter((line) => !COMMENT.test(line)).map(cells);
  const clock = scout[0].findIndex((_, at) => clockRate(scout, at, parse, heading[at]) > 0);
  const isNumber = (at) => scout.some((row) => !Number.isNaN(parse(row[at])));
  const chosen = column > 0 ? column - 1 : scout[0].findIndex((_, at) => at !== clock && isNumber(at));
  if (chosen < 0) refuse("found a column of time alone; expected one of samples, too");
  if (chosen >= scout[0].length) refuse(`found ${scout[0].length} columns; expected column ${column}`);
  const values = [];
  for (let at = first; at < lines.length; at++) {
    if (COMMENT.test(lines[at])) continue;
    const cell = cells(lines[at])[chosen] ?? "";
    const value = parse(cell);
    if (Number.isNaN(value) && !MISSING.test(cell))
      refuse(`found ${JSON.stringify(cell.slice(0, 20))} in line ${at + 1}; expected a number in column ${chosen + 1}`);
    values.push(value);
  }
  const name = heading[chosen] ?? "";
  const rate = clock < 0 ? NaN : clockRate(scout, clock, parse, heading[clock]);
  return { values: Float32Array.from(values), rate, unit: unitOf(name), name: name && `${name}, ` };
}

/** How rows are cut, where they begin, and what stands above them; null if no row is of numbers. */
function layoutOf(lines) {
  const first = lines.findIndex((line) => !COMMENT.test(line) && DELIMITERS.some((by) => isRow(line, by)));
  if (first < 0) return null;
  const by = DELIMITERS.find((delimiter) => isRow(lines[first], delimiter));
  const cells = (line) => line.trim().split(by).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const above = lines.slice(0, first).findLast((line) => line.trim() && cells(line.replace(/^[\s#%/]+/, "")).length);
  const heading = above ? cells(above.replace(/^[\s#%/]+/, "")) : [];
  const parse = (cell) => number(cell, by !== ",");
  return { first, cells, parse, heading: heading.length === cells(lines[first]).length ? heading : [] };
}

/** Whether a line, cut so, is a row of numbers, of times and of missing ones, but at least one number. */
function isRow(line, by) {
  const cells = line.trim().split(by).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
  const values = cells.map((cell) => number(cell, by !== ","));
  return values.some((value) => !Number.isNaN(value)) && cells.every((cell, at) => !Number.isNaN(values[at]) || MISSING.test(cell));
}

function number(cell, hasCommas) {
  const time = CLOCK.exec(cell);
  if (time) return 3600 * time[1] + 60 * time[2] + Number(time[3]);
  const text = hasCommas ? cell.replace(",", ".") : cell;
  return text.trim() === "" ? NaN : Number(text);
}

/** Samples a second of a column that counts time evenly, or NaN. */
function clockRate(rows, at, parse, heading = "") {
  const times = rows.map((row) => parse(row[at] ?? ""));
  const steps = times.slice(1).map((time, n) => time - times[n]);
  if (steps.length < 10 || !steps.every((step) => step > 0)) return NaN;
  const step = (times.at(-1) - times[0]) / steps.length;
  if (steps.some((one) => one > 4 * step)) return NaN;
  const told = SECONDS[/(?:\b|_|\[|\()(ns|us|µs|ms|s)\b/i.exec(heading)?.[1].toLowerCase()];
  const rates = told ? [1 / (step * told)] : [1, 1e-3, 1e-6].map((unit) => 1 / (step * unit));
  const rate = rates.find((one) => one >= RATES[0] && one <= RATES[1]);
  const isNamed = told || /time|zeit|clock|stamp|elapsed/i.test(heading) || step < 0.1;
  if (!rate || !isNamed) return NaN;
  return Math.abs(rate - Math.round(rate)) < 0.01 * rate ? Math.round(rate) : rate;
}

function unitOf(heading) {
  const found = /(?:\b|_|\[|\()(uV|µV|μV|mV|V)(?:\b|\]|\))/.exec(heading)?.[1] ?? "";
  return found.replace(/^[uμ]V/, "µV");
}
