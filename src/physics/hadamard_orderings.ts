/** In which order a single-pixel camera takes its patterns. */
export type PatternOrdering = "sequency" | "cake_cutting" | "zig_zag" | "xy";

/** The names, for checks and messages. */
export const PATTERN_ORDERINGS: readonly PatternOrdering[] = ["sequency", "cake_cutting", "zig_zag", "xy"];

/**
 * The first m patterns of a height x width Walsh-Hadamard basis in natural order, row-major positions:
 *
 * - `sequency`: by sign changes of the basis of height * width values, positions counted column by column;
 * - `cake_cutting`: those in the order of the number of connected regions (Yu, "Super sub-Nyquist single-pixel imaging by
 *   means of cake-cutting Hadamard basis sort", 2019);
 * - `zig_zag`: along the antidiagonals of the square of row and column sequencies;
 * - `xy`: by r c + (r^2 + c^2) / 4, r and c the row and column sequencies.
 *
 * Equal keys keep their order, but in `xy`, whose keys are multiples of 1/4, larger rows come first.
 */
export function firstPatterns(ordering: PatternOrdering, height: number, width: number, m: number): number[] {
  const count = height * width;
  const byColumns = (position: number): number => (position % height) * width + Math.floor(position / height);
  switch (ordering) {
    case "sequency":
      return sequencyOrder(count).slice(0, m).map(byColumns);
    case "cake_cutting": {
      const sequency = sequencyOrder(count);
      return cakeCuttingOrder(count).slice(0, m).map((rank) => byColumns(sequency[rank]));
    }
    case "zig_zag":
      return bySequencies(height, width, m, (row, column) => (row + column) * count - row);
    case "xy":
      return bySequencies(
        height,
        width,
        m,
        (row, column) => row * column + (row ** 2 + column ** 2) / 4 - row / (8 * height),
      );
  }
}

/** Position l holds the natural-order index of the Walsh function with l sign changes: Gray's code of l, its digits reversed. */
export function sequencyOrder(n: number): number[] {
  const bits = Math.log2(n);
  return Array.from({ length: n }, (_, l) => {
    const gray = l ^ (l >> 1);
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) reversed |= ((gray >> bit) & 1) << (bits - 1 - bit);
    return reversed;
  });
}

/**
 * Ranks by the number of regions: row i of the p x p multiplication table, every second row backwards, sorted; ranks from p^2
 * on, where n is no square, come last.
 */
function cakeCuttingOrder(n: number): number[] {
  const p = Math.floor(Math.sqrt(n));
  const regions: number[] = [];
  for (let i = 1; i <= p; i++) {
    const row = Array.from({ length: p }, (_, k) => i * (k + 1));
    regions.push(...(i % 2 === 1 ? row : row.reverse()));
  }
  return [...sortedBy(regions), ...Array.from({ length: n - p * p }, (_, k) => p * p + k)];
}

/** The first m of a basis ordered by a key of row and column sequency. */
function bySequencies(
  height: number,
  width: number,
  m: number,
  key: (row: number, column: number) => number,
): number[] {
  const rows = sequencyOrder(height), columns = sequencyOrder(width);
  const keys = Array.from({ length: height * width }, (_, k) => key(Math.floor(k / width), k % width));
  return sortedBy(keys).slice(0, m).map((k) => rows[Math.floor(k / width)] * width + columns[k % width]);
}

/** Positions in ascending order of their keys. */
function sortedBy(keys: readonly number[]): number[] {
  return keys.map((_, k) => k).sort((a, b) => keys[a] - keys[b] || a - b);
}
