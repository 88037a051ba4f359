import type { TensorGroup } from "./tensor_group.ts";

/** Round trips for each rank; the quickest one counts. */
const ROUNDS = 8;
/** A tag that scripts are unlikely to use. */
const TAG = -0x7ea_c10c;

/**
 * By how many milliseconds each rank's clock is ahead of the first rank's, by Cristian's algorithm (1989): the first rank
 * asks each other one for its time, takes the quickest of several round trips and assumes that the answer was given half
 * way, which is wrong by at most half of that trip. Drift since the spans were recorded is not corrected.
 *
 * @returns one number for each rank at the first rank; zeros elsewhere
 */
export async function clockOffsets(group: TensorGroup): Promise<number[]> {
  const offsets = group.ranks.map(() => 0);
  const [first, ...others] = group.ranks;
  if (group.rank !== first) {
    for (let round = 0; round < ROUNDS; round++) {
      await group.recv(first, TAG);
      await group.send(Float64Array.of(now()), first, TAG);
    }
    return offsets;
  }
  for (const [k, rank] of others.entries()) {
    let quickest = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const asked = now();
      await group.send(Float64Array.of(asked), rank, TAG);
      const [theirs] = await group.recv(rank, TAG) as Float64Array;
      const answered = now();
      if (answered - asked >= quickest) continue;
      quickest = answered - asked;
      offsets[k + 1] = theirs - (asked + answered) / 2;
    }
  }
  return offsets;
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
