import { type DistributedContext, Tensor, type TensorList } from "@deepinv/distributed";

/** The largest absolute difference between two tensors or lists of them. */
export async function maxDifference(a: Tensor | TensorList, b: Tensor | TensorList): Promise<number> {
  const left = a instanceof Tensor ? [a] : [...a], right = b instanceof Tensor ? [b] : [...b];
  let largest = 0;
  for (const [i, entry] of left.entries()) {
    using gap = entry.sub(right[i]);
    using size = gap.abs();
    using most = size.max();
    largest = Math.max(largest, await most.item());
  }
  return largest;
}

/** What N ranks may differ by from one process. */
const TOLERANCE = 1e-4;

/**
 * Rank 0 makes the result again on its own and prints the largest difference; the others wait.
 *
 * @throws {Error} when it is more than 1e-4
 */
export async function compareWithOneProcess(
  ctx: DistributedContext,
  result: Tensor,
  again: (alone: DistributedContext) => Promise<Tensor>,
): Promise<void> {
  if (ctx.rank === 0) {
    const difference = await maxDifference(result, await again(await ctx.single()));
    console.log(`largest difference to one process: ${difference.toExponential(2)}`);
    if (!(difference <= TOLERANCE)) {
      throw new Error(`Cannot confirm the result: it differs by more than ${TOLERANCE} from one process's`);
    }
  }
  await ctx.barrier();
}
