import type { Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DrawOptions, NoiseModel } from "./noise_model.ts";
import { assertFinite, Physics } from "./physics.ts";

/**
 * The operators of a composition in order; compositions among them are taken apart.
 *
 * @throws {InvalidArgumentError} for an empty list and for parts that are no operators
 */
export function chained(
  physics: readonly Physics[],
  isComposition: (part: Physics) => part is Physics & Iterable<Physics>,
): Physics[] {
  for (const part of physics) {
    if (part instanceof Physics) continue;
    throw new InvalidArgumentError("compose operators", "every part", "a Physics", String(part));
  }
  if (physics.length === 0) {
    throw new InvalidArgumentError("compose operators", "the list", "of at least one operator", "none");
  }
  return physics.flatMap((part) => isComposition(part) ? [...part] : [part]);
}

/** What each operator is applied to, and the last result: x, A_1(x), A_2(A_1(x)), ...; x itself is the caller's. */
export async function passThrough(parts: readonly Physics[], x: Tensor): Promise<Signal[]> {
  const values: Signal[] = [x];
  try {
    for (const part of parts) values.push(await part.A(values[values.length - 1] as Tensor));
    return values;
  } catch (error) {
    values.slice(1).forEach((value) => value.dispose());
    throw error;
  }
}

/** A_n(... A_1(x)) */
export async function applyAll(parts: readonly Physics[], x: Tensor): Promise<Signal> {
  const values = await passThrough(parts, x);
  values.slice(1, -1).forEach((value) => value.dispose());
  return values[values.length - 1];
}

/** The outermost operator's measurement, with its own noise and sensor, of what the others make of x. */
export async function measureLast(parts: readonly Physics[], x: Tensor, draw: DrawOptions): Promise<Signal> {
  const last = parts[parts.length - 1];
  if (parts.length === 1) return await last.forward(x, draw);
  await assertFinite("measure an image", "x", x);
  using inner = await applyAll(parts.slice(0, -1), x) as Tensor;
  return await last.forward(inner, draw);
}

/** Whether a composition still has the noise and sensor of its outermost operator. */
export function isUnchanged(composition: Physics, parts: readonly Physics[]): boolean {
  const last = parts[parts.length - 1];
  return composition.noiseModel === last.noiseModel && composition.sensor === last.sensor;
}

/** f of every operator, the last one first, each on what the one after it gave. */
export async function backThrough(
  parts: readonly Physics[],
  v: Signal,
  f: (part: Physics, index: number, v: Signal) => Promise<Tensor>,
): Promise<Tensor> {
  let value = v;
  for (let i = parts.length - 1; i >= 0; i--) {
    const next = await f(parts[i], i, value).finally(() => {
      if (value !== v) value.dispose();
    });
    value = next;
  }
  return value as Tensor;
}

/** Operators and the noise of the composition, which may have been replaced. */
export function noisy(
  parts: readonly Physics[],
  noise: NoiseModel | undefined,
): readonly (Physics | NoiseModel)[] {
  return noise && noise !== parts[parts.length - 1].noiseModel ? [...parts, noise] : parts;
}
