import type { Channel } from "../channel.ts";

/** The place of a rank in a binomial tree. */
export interface TreePlace {
  /** Group index of the parent; `undefined` at the root. */
  readonly parent: number | undefined;
  /** Group indices of the children, the one with the smallest subtree first. */
  readonly children: readonly number[];
}

/**
 * The binomial tree of all ranks with the given root: counted from the root, the parent of v is v without its lowest
 * set bit, so that the depth is ceil(log2 P).
 */
export function binomialTree(channel: Channel, root: number): TreePlace {
  const { index, size } = channel;
  const virtual = (index - root + size) % size;
  const lowest = virtual === 0 ? size : virtual & -virtual;
  const real = (number: number): number => (number + root) % size;
  const children: number[] = [];
  for (let bit = 1; bit < lowest && virtual + bit < size; bit *= 2) children.push(real(virtual + bit));
  return { parent: virtual === 0 ? undefined : real(virtual - lowest), children };
}
