import { type LinearPhysics, Tensor } from "../../src/physics/mod.ts";
import { dotPerItem, entriesOf, mapEntries, type Signal } from "../../src/tensor/signal.ts";
import { randomValues } from "../compute/oracle.ts";
import assert from "node:assert/strict";

/** |<A x, v> - <x, A' v>| <= 1e-4 (||A x|| ||v|| + ||x|| ||A' v||) / 2 for a random v, and A' v has the shape of x. */
export async function assertAdjoint<Y extends Signal>(
  physics: LinearPhysics<Y>,
  x: Tensor,
  what: string,
): Promise<void> {
  using Ax: Signal = await physics.A(x);
  using v: Signal = await mapEntries<Signal>(
    Ax,
    (entry, i) => Promise.resolve(Tensor.from(randomValues(entry.numel, 31 + i), entry.shape, entry)),
  );
  using Atv = await physics.A_adjoint(v as Y);
  assert.deepEqual(Atv.shape, x.shape, `${what}: shape of A' v`);
  const left = await total(dotPerItem(Ax, v)), right = await total(dotPerItem(x, Atv));
  const size = (await norm(Ax) * await norm(v) + await norm(x) * await norm(Atv)) / 2;
  assert.ok(Math.abs(left - right) <= 1e-4 * size, `${what}: <Ax, v> = ${left}, <x, A'v> = ${right}`);
}

/** ||a - b|| / ||b|| */
export async function relativeGap(a: Tensor, b: Tensor): Promise<number> {
  using difference = a.sub(b);
  return await norm(difference) / await norm(b);
}

async function norm(signal: Signal): Promise<number> {
  let squares = 0;
  for (const entry of entriesOf(signal)) {
    for (const value of await entry.data()) squares += value * value;
  }
  return Math.sqrt(squares);
}

async function total(values: Tensor): Promise<number> {
  using own = values;
  return (await own.data()).reduce((sum, value) => sum + value, 0);
}
