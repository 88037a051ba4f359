import { bicgstab, conjugateGradient, lsqr, minres, Tensor } from "../../src/physics/mod.ts";
import { onBothDevices } from "../golden.ts";
import assert from "node:assert/strict";

onBothDevices("solvers refuse limits out of range; an item that is zero stays zero without eps", async () => {
  using b = Tensor.from([0, 0, 3, 4], [2, 2]);
  const identity = (x: Tensor) => x.clone();
  for (const solver of [conjugateGradient, bicgstab, minres]) {
    for (const maxIter of [-1, 1.5, NaN]) {
      await assert.rejects(solver(identity, b, { maxIter }), /maxIter must be a whole number >= 0/);
    }
    for (const tol of [-1, NaN]) {
      await assert.rejects(solver(identity, b, { tol }), /tol must be a number >= 0/);
    }
  }
  await assert.rejects(lsqr(identity, identity, b, { maxIter: -1 }), /maxIter must be a whole number >= 0/);
  using x = await conjugateGradient(identity, b, { eps: 0 });
  assert.deepEqual([...await x.data()], [0, 0, 3, 4]);
});
