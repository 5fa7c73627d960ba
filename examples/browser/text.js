// Columns of numbers in a text: CSV, TSV, or words.

const DELIMITERS = [";", "\t", ",", /\s+/];
const COMMENT = /^\s*(#|%|\/\/)|^\s*$/;
const MISSING = /^(nan|na|n\/a|null|none|-)?$/i;
const CLOCK = /^(\d+):(\d\d):(\d\d(?:[.,]\d+)?)$/;
const SCOUTED = 200; // rows by which columns are told apart
const FEWEST = 10; // rows of a clock
const EVEN = 0.8; // share of its steps that are alike
const RATES = [50, 10000]; // Hz: a column that counts faster or slower is no clock
const UNITS = { s: 1, ms: 1e-3, us: 1e-6, µs: 1e-6, ns: 1e-9 }; // s
const GAP = 0.05; // s
const LONGEST = 3600; // s

/**
 * The lead in a text. column: the lead's, from 1; NaN for the first that is no clock. Calls refuse with what
 * is wrong. Returns {values: Float32Array, NaN where missing; rate: Hz or NaN; unit: "" if not told; name: of
 * the column}.
 */
export function readText(text, column, refuse) {
  const lines = text.split(/\r\n|\r|\n/);
  const table = layoutOf(lines);
  if (!table) refuse("found no column of numbers; expected text with a row a sample, or raw int16 (.i16)");
  const clock = clockOf(table);
  const lead = leadOf(table, clock, column, refuse);
  const values = [];
  let last = NaN;
  for (let at = table.first; at < lines.length; at++) {
    if (COMMENT.test(lines[at])) continue;
    const cells = table.cut(lines[at]);
    const cell = cells[lead] ?? "";
    const value = table.parse(cell);
    if (Number.isNaN(value) && !MISSING.test(cell))
      refuse(
        `found ${JSON.stringify(cell.slice(0, 20))} in line ${at + 1}; ` +
          `expected a number in column ${lead + 1}`,
      );
    if (clock) {
      const time = table.parse(cells[clock.at] ?? "") * clock.unit;
      if (time - last > Math.max(GAP, 1.5 / clock.rate)) fill(values, time - last, clock, refuse);
      last = time;
    }
    values.push(value);
  }
  const name = table.heading[lead] ?? "";
  return { values: Float32Array.from(values), rate: clock?.rate ?? NaN, unit: unitOf(name), name };
}

/** Samples that have been lost are missing ones. */
function fill(values, seconds, clock, refuse) {
  if (seconds > LONGEST) refuse(`found a gap of ${Math.round(seconds)} s; expected at most ${LONGEST}`);
  for (let left = Math.round(seconds * clock.rate) - 1; left > 0; left--) values.push(NaN);
}

/** How rows are cut, where they begin, the first of them, and their heading; null if no row is of numbers. */
function layoutOf(lines) {
  for (const [first, line] of lines.entries()) {
    const by = COMMENT.test(line) ? undefined : DELIMITERS.find((delimiter) => isRow(line, delimiter));
    if (!by) continue;
    const cut = (row) => cutBy(row, by);
    const parse = (cell) => number(cell, by !== ",");
    const above = lines.slice(0, first).findLast((row) => row.trim()) ?? "";
    const heading = cut(above.replace(/^[\s#%/]+/, ""));
    const rows = lines
      .slice(first, first + SCOUTED)
      .filter((row) => !COMMENT.test(row))
      .map(cut);
    return { first, cut, parse, rows, heading: heading.length === rows[0].length ? heading : [] };
  }
  return null;
}

function cutBy(line, by) {
  return line
    .trim()
    .split(by)
    .map((cell) => cell.trim().replace(/^"(.*)"$/, "$1"));
}

/** Whether a line, cut so, has numbers, times and missing values alone; a lone column is one of words. */
function isRow(line, by) {
  const cells = cutBy(line, by);
  const known = cells.filter((cell) => !MISSING.test(cell));
  const isCut = cells.length > 1 || by === DELIMITERS.at(-1);
  return isCut && known.length > 0 && known.every((cell) => !Number.isNaN(number(cell, by !== ",")));
}

function number(cell, hasCommas) {
  const time = CLOCK.exec(cell);
  if (time) return 3600 * time[1] + 60 * time[2] + Number(time[3].replace(",", "."));
  return cell === "" ? NaN : Number(hasCommas ? cell.replace(",", ".") : cell);
}

/** The column that counts time: {at, rate: samples a second, unit: s of its numbers}, if there is one. */
function clockOf({ rows, parse, heading }) {
  for (const at of rows[0].keys()) {
    const times = rows.map((row) => parse(row[at] ?? ""));
    const steps = times.slice(1).map((time, row) => time - times[row]);
    const step = [...steps].sort((a, b) => a - b)[steps.length >> 1];
    const alike = steps.filter((one) => Math.abs(one - step) <= 0.5 * step);
    if (times.length < FEWEST || !(step > 0) || alike.length < EVEN * steps.length) continue;
    const told = /(?:^|[^a-z])(ns|us|µs|ms|s)(?:$|[^a-z])/i.exec(heading[at] ?? "")?.[1].toLowerCase();
    const isNamed = CLOCK.test(rows[0][at]) || /time|zeit|clock|stamp|elapsed/i.test(heading[at] ?? "");
    if (!told && !isNamed && step >= 0.1) continue; // it numbers the rows
    const mean = alike.reduce((sum, one) => sum + one, 0) / alike.length;
    for (const unit of told ? [UNITS[told]] : [1, 1e-3, 1e-6]) {
      const rate = 1 / (mean * unit);
      const whole = Math.round(rate);
      if (rate >= RATES[0] && rate <= RATES[1])
        return { at, unit, rate: Math.abs(rate - whole) < 0.005 * rate ? whole : rate };
    }
  }
}

function leadOf({ rows, parse }, clock, column, refuse) {
  if (column > rows[0].length) refuse(`found ${rows[0].length} columns; expected column ${column}`);
  if (column > 0) return column - 1;
  const isLead = (at) => at !== clock?.at && rows.some((row) => !Number.isNaN(parse(row[at] ?? "")));
  const lead = [...rows[0].keys()].find(isLead);
  if (lead === undefined) refuse("found a column of time alone; expected one of samples, too");
  return lead;
}

function unitOf(heading) {
  const found = /(?:^|[^a-zµμ])(uV|µV|μV|mV|V)(?:$|[^a-z])/.exec(heading)?.[1] ?? "";
  return found.replace(/^[uμ]V/, "µV");
}
