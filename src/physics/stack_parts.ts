import { collect } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { NoiseModel } from "./noise_model.ts";
import { assertFinite, type ForwardParameters, Physics, splitSeed } from "./physics.ts";
import type { Updatable } from "./updatable.ts";

/**
 * The parts of a stack, in order; nested stacks are taken apart.
 *
 * @throws {InvalidArgumentError} for an empty list and for parts that are no operators
 */
export function flattened<P extends Physics<Tensor>>(
  physics: readonly (Physics | Iterable<Physics>)[],
  isStack: (part: unknown) => part is Iterable<P>,
): P[] {
  for (const part of physics) {
    if (!(part instanceof Physics)) {
      throw new InvalidArgumentError("stack operators", "every part", "a Physics", String(part));
    }
  }
  if (physics.length === 0) {
    throw new InvalidArgumentError("stack operators", "the list", "of at least one operator", "none");
  }
  return physics.flatMap((part) => isStack(part) ? [...part] : [part as P]);
}

/**
 * Part i, counted from the end when negative.
 *
 * @throws {InvalidArgumentError} outside the stack
 */
export function partAt<P>(parts: readonly P[], i: number): P {
  const part = parts.at(i);
  if (part === undefined || !Number.isInteger(i)) {
    throw new InvalidArgumentError(
      "get an operator",
      "the index",
      `in [${-parts.length}, ${parts.length - 1}]`,
      String(i),
    );
  }
  return part;
}

/** @throws {InvalidArgumentError} when y has not one entry for each part */
export function checkLength(method: string, y: TensorList, expected: number): void {
  if (!(y instanceof TensorList) || y.length !== expected) {
    throw new InvalidArgumentError(
      `apply a stack's ${method}`,
      "y",
      `a TensorList of length ${expected}`,
      y instanceof TensorList ? `length ${y.length}` : String(y),
    );
  }
}

/** f of every part, in order. */
export async function listOver<P>(parts: readonly P[], f: (part: P) => Promise<Tensor>): Promise<TensorList> {
  return TensorList.from(await collect(parts, f));
}

/** What every part measures; with a seed, part i draws with seed + i. */
export async function measureAll(
  stack: Updatable,
  parts: readonly Physics<Tensor>[],
  x: Tensor,
  parameters: ForwardParameters,
): Promise<TensorList> {
  const { draw: { seed }, rest } = splitSeed(parameters);
  stack.update(rest);
  await assertFinite("measure an image", "x", x);
  return TensorList.from(
    await collect(parts, (part, i) => part.forward(x, seed === undefined ? {} : { seed: seed + i })),
  );
}

/**
 * Replaces the noise model of one part, or of all by copies with random streams of their own.
 *
 * @param item counted from the end when negative; all by default
 */
export function setNoiseModelOf(
  parts: readonly Physics<Tensor>[],
  noise: NoiseModel | null,
  item?: number,
): void {
  if (item !== undefined) partAt(parts, item).setNoiseModel(noise);
  else parts.forEach((part, i) => part.setNoiseModel(noise && noise.fork(i + 1)));
}
