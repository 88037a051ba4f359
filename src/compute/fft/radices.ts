/**
 * What a stage of each radix costs a backend, in any unit: each moves all values through memory once, so a large radix
 * is cheaper than the smaller ones that it replaces, until a butterfly outgrows the registers.
 */
export type RadixCosts = Readonly<Record<number, number>>;

/** The best stages found for a length, and what they cost. */
interface Stages {
  readonly radices: readonly number[];
  readonly cost: number;
}

/**
 * The cheapest stages of a mixed-radix transform, largest radix first; none for length 1.
 *
 * @param length a whole number >= 1
 * @param costs of the radices that there are
 * @returns undefined when the length is no product of these radices
 */
export function radicesOf(length: number, costs: RadixCosts): readonly number[] | undefined {
  return cheapestStages(length, costs, new Map())?.radices;
}

/**
 * The length of the cyclic convolution in Bluestein's algorithm: among the products of 2, 3 and 5 from 2 length - 1 to
 * the next power of two, the one whose transform is cheapest.
 *
 * @param costs of the radices that there are, 2, 3 and 5 among them
 */
export function convolutionLength(length: number, costs: RadixCosts): number {
  const least = Math.max(2 * length - 1, 1);
  const most = 2 ** Math.ceil(Math.log2(least));
  const known = new Map<number, Stages | undefined>();
  let best = most;
  let lowest = Infinity;
  for (let fives = 1; fives <= most; fives *= 5) {
    for (let threes = fives; threes <= most; threes *= 3) {
      const candidate = threes * 2 ** Math.max(0, Math.ceil(Math.log2(least / threes)));
      if (candidate > most) continue;
      const cost = candidate * cheapestStages(candidate, costs, known)!.cost;
      if (cost < lowest) [best, lowest] = [candidate, cost];
    }
  }
  return best;
}

function cheapestStages(
  length: number,
  costs: RadixCosts,
  known: Map<number, Stages | undefined>,
): Stages | undefined {
  if (length === 1) return { radices: [], cost: 0 };
  if (known.has(length)) return known.get(length);
  let best: Stages | undefined;
  for (const [key, cost] of Object.entries(costs)) {
    const radix = Number(key);
    if (length % radix !== 0) continue;
    const rest = cheapestStages(length / radix, costs, known);
    if (!rest || (best && cost + rest.cost >= best.cost)) continue;
    best = { radices: [radix, ...rest.radices].sort((a, b) => b - a), cost: cost + rest.cost };
  }
  known.set(length, best);
  return best;
}
