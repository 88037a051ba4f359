/** Axes of a chart: the interval that values span, round numbers to mark it with, and where a value falls in it. */

/** A marked value and its label. */
export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** One axis: `position` maps its values to [0, 1], NaN for a value that it cannot show. */
export interface ChartScale {
  readonly ticks: readonly Tick[];
  position(value: number): number;
}

/** Magnitudes beyond these leave no room for an axis around them. */
const [TINIEST, HUGEST] = [1e-290, 1e290];

/** The interval that values span on a linear or logarithmic axis, or null if none of them can be shown. */
export function valueRange(values: Iterable<number>, log: boolean): readonly [number, number] | null {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!(Math.abs(value) < HUGEST) || (log && value < TINIEST)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : null;
}

/**
 * A linear axis that reaches from the tick at or below `low` to the one at or above `high`.
 *
 * @param count about how many ticks are wanted
 */
export function linearScale([low, high]: readonly [number, number], count: number): ChartScale {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const flat = high - low <= Math.max(1e-12 * largest, TINIEST);
  const margin = flat ? (largest > TINIEST ? largest / 2 : 0.5) : 0;
  const step = roundStep((high - low + 2 * margin) / Math.max(1, count));
  const first = Math.floor((low - margin) / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil((high + margin) / step - 1e-9));
  const ticks = Array.from(
    { length: last - first + 1 },
    (_, i) => tick((first + i) * step, step, last * step),
  );
  return { ticks, position: (value) => withinAxis((value / step - first) / (last - first)) };
}

/** An axis of whole numbers that ends exactly at `low` and `high`: iterations. */
export function indexScale([low, high]: readonly [number, number], wanted: number): ChartScale {
  const step = Math.max(1, roundStep((high - low) / Math.max(1, wanted)));
  const firstRound = Math.ceil(low / step) * step;
  const count = Math.floor((high - firstRound) / step) + 1;
  const ticks = Array.from({ length: count }, (_, i) => tick(firstRound + i * step, step, high));
  if (firstRound - low > step / 2) ticks.unshift(tick(low, 1, high));
  return { ticks, position: (value) => high === low ? 0.5 : (value - low) / (high - low) };
}

/** A base-10 logarithmic axis; values at or below 0 cannot be shown. */
export function logScale([low, high]: readonly [number, number], count: number): ChartScale {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const every = Math.ceil((last - first) / Math.max(1, count));
  const ticks: Tick[] = [];
  for (let power = first; power <= last; power += every) {
    ticks.push({ value: Number(`1e${power}`), label: `10${superscript(power)}` });
    for (const factor of last - first <= 2 && power < last ? [2, 5] : []) {
      ticks.push({ value: Number(`${factor}e${power}`), label: `${factor}·10${superscript(power)}` });
    }
  }
  return { ticks, position: (value) => withinAxis((Math.log10(value) - first) / (last - first)) };
}

function withinAxis(position: number): number {
  return position > -1e-3 && position < 1 + 1e-3 ? position : NaN;
}

/** The least of 1, 2, 5 times a power of ten that is not below `rough`. */
function roundStep(rough: number): number {
  const power = Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * 10 ** power >= rough * (1 - 1e-9)) ?? 10;
  return factor * 10 ** power;
}

function tick(value: number, step: number, largest: number): Tick {
  const rounded = Math.abs(value) < step / 2 ? 0 : value;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const plain = decimals <= 4 && Math.abs(largest) < 1e6;
  const label = plain || rounded === 0 ? rounded.toFixed(plain ? decimals : 0) : shortExponential(rounded);
  return { value: rounded, label: label.replace("-", "−") };
}

function shortExponential(value: number): string {
  const [mantissa, power] = value.toExponential(4).split("e");
  return `${Number(mantissa)}·10${superscript(Number(power))}`;
}

function superscript(power: number): string {
  return String(power).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]);
}
