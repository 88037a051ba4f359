/**
 * Which butterflies a transform of a given length is made of.
 *
 * Each stage of radix r moves all values through memory once, so few large radices beat many small ones; the weights
 * are relative times of a stage, measured on the CPU backend.
 */
const STAGE_COSTS: ReadonlyMap<number, number> = new Map([
  [2, 1],
  [3, 1.15],
  [4, 1.1],
  [5, 1.4],
  [7, 1.8],
  [8, 1.35],
  [9, 1.6],
  [11, 2.6],
  [13, 3],
  [16, 1.85],
]);

/** The best stages found for a length, and what they cost. */
interface Stages {
  readonly radices: readonly number[];
  readonly cost: number;
}

/**
 * The radices of the stages of a mixed-radix transform, largest first; none for length 1.
 *
 * @param length a whole number >= 1
 * @returns undefined when the length has a prime factor above 13
 */
export function radicesOf(length: number): readonly number[] | undefined {
  return cheapestStages(length, new Map())?.radices;
}

/**
 * The length of the cyclic convolution in Bluestein's algorithm: among the products of 2, 3 and 5 from 2 length - 1 to
 * the next power of two, the one whose transform is cheapest.
 */
export function convolutionLength(length: number): number {
  const least = Math.max(2 * length - 1, 1);
  const most = 2 ** Math.ceil(Math.log2(least));
  const known = new Map<number, Stages | undefined>();
  let best = most;
  let lowest = Infinity;
  for (let fives = 1; fives <= most; fives *= 5) {
    for (let threes = fives; threes <= most; threes *= 3) {
      const candidate = threes * 2 ** Math.max(0, Math.ceil(Math.log2(least / threes)));
      if (candidate > most) continue;
      const cost = candidate * cheapestStages(candidate, known)!.cost;
      if (cost < lowest) [best, lowest] = [candidate, cost];
    }
  }
  return best;
}

function cheapestStages(length: number, known: Map<number, Stages | undefined>): Stages | undefined {
  if (length === 1) return { radices: [], cost: 0 };
  if (known.has(length)) return known.get(length);
  let best: Stages | undefined;
  for (const [radix, cost] of STAGE_COSTS) {
    if (length % radix !== 0) continue;
    const rest = cheapestStages(length / radix, known);
    if (!rest || (best && cost + rest.cost >= best.cost)) continue;
    best = { radices: [radix, ...rest.radices].sort((a, b) => b - a), cost: cost + rest.cost };
  }
  known.set(length, best);
  return best;
}
