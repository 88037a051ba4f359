/** Every rank checks that changed operators are seen as they are, however they were changed. */
import assert from "node:assert/strict";
import {
  Blur,
  distribute,
  DistributedContext,
  gaussianBlur,
  L1,
  stack,
  StackedPhysicsDataFidelity,
  type Tensor,
} from "@deepinv/distributed";
import { image, largestDifference } from "../../golden.ts";

await using ctx = await DistributedContext.create({ device: "cpu", seed: 1, timeout: 60_000 });
const x = image(2, 1, 10, 9);
const kernel = (factor: number, size = 5): Tensor =>
  gaussianBlur({ sigma: 0.8, psfSize: [size, size] }).mul(factor);
const blurs = (factors: readonly number[]) =>
  factors.map((factor) => new Blur({ filter: kernel(factor), padding: "circular" }));
const fidelities = [new L1(), new L1(), new L1()];

/** The proxes of plain, one and many distributed fidelities, against those of operators with the factors now. */
async function seesNow(
  physics: Awaited<ReturnType<typeof spread>>,
  factors: readonly number[],
): Promise<void> {
  const now = stack(...blurs(factors)), y = await now.A(x.mul(0.7));
  const expected = await new StackedPhysicsDataFidelity(fidelities).prox(x, y, now, 0.1);
  for (const fidelity of [new L1(), await distribute(new L1(), ctx), await distribute(fidelities, ctx)]) {
    const error = await largestDifference(await fidelity.prox(x, y, physics, 0.1), expected);
    assert.ok(error <= 1e-5, `${fidelity.constructor.name} with ${factors}: ${error}`);
  }
}

const spread = () => distribute(blurs([1, 1, 1]), ctx);

const physics = await spread();
await seesNow(physics, [1, 1, 1]);
physics.update({ filter: kernel(3) });
await seesNow(physics, [3, 3, 3]);
// On the rank that has it alone: the others have nothing to see, and yet take part in what follows from it.
if (physics.localIndexes.includes(1)) physics.get(1).update({ filter: kernel(9) });
await seesNow(physics, [3, 9, 3]);
await physics.forward(x, { filter: kernel(0.5) });
await seesNow(physics, [0.5, 0.5, 0.5]);

// Shapes that were learned do not outlive the operators that they belong to.
const valid = await distribute(
  [3, 5].map((size) => new Blur({ filter: kernel(1, size), padding: "valid" })),
  ctx,
);
assert.deepEqual((await valid.A(x)).shape, [[2, 1, 8, 7], [2, 1, 6, 5]]);
if (valid.localIndexes.includes(1)) valid.get(1).update({ filter: kernel(1, 7) });
assert.deepEqual((await valid.A(x)).shape, [[2, 1, 8, 7], [2, 1, 4, 3]]);
const local = new Blur({ filter: kernel(1, 7), padding: "valid" });
assert.ok(await largestDifference((await valid.A(x)).get(1), await local.A(x)) === 0);
console.log("done");
