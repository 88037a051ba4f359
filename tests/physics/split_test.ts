import assert from "node:assert/strict";
import {
  type LinearPhysics,
  MultiCoilMRI,
  splitAngles,
  splitCoils,
  type StackedLinearPhysics,
  Tensor,
  Tomography,
} from "../../src/physics/mod.ts";
import { image, largestDifference, onBothDevices } from "../golden.ts";
import { assertAdjoint, relativeGap } from "./adjoint.ts";

/** The stack's adjoint, normal operator and norm are the whole operator's. */
async function assertSame(
  whole: LinearPhysics<Tensor>,
  parts: StackedLinearPhysics,
  x: Tensor,
): Promise<void> {
  const normal = await whole.A_adjoint_A(x);
  assert.ok(await relativeGap(await parts.A_adjoint_A(x), normal) < 1e-5);
  assert.ok(await relativeGap(await parts.A_adjoint(await parts.A(x)), normal) < 1e-5);
  await assertAdjoint(parts, x, "the stack");
  const expected = await whole.computeSqnorm(x, { tol: 1e-5 });
  assert.ok(Math.abs(await parts.computeSqnorm(x, { tol: 1e-5 }) / expected - 1) < 1e-3);
}

onBothDevices("a scan split by angles is the scan, with every part's views interleaved", async () => {
  const x = image(2, 1, 9, 9);
  for (const options of [{ normalize: true }, { normalize: false, fanBeam: true }]) {
    const scan = new Tomography({ angles: 7, imgWidth: 9, ...options });
    const y = await scan.A(x);
    for (const parts of [1, 2, 3, 7]) {
      const split = splitAngles(scan, parts);
      assert.equal(split.length, parts);
      for (const [part, own] of [...await split.A(x)].entries()) {
        const expected = y.slice([null, null, null, [part, 7, parts]]);
        assert.ok(await largestDifference(own, expected) < 1e-5);
      }
      await assertSame(scan, split, x);
    }
  }
  const scan = new Tomography({ angles: 7, imgWidth: 9 });
  for (const wrong of [0, 8, 1.5]) assert.throws(() => splitAngles(scan, wrong), /parts must be .* \[1, 7\]/);
});

onBothDevices("multi-coil MRI split by coils is the scan, in blocks of coils", async () => {
  for (const [spatial, batch] of [[[6, 5], 2], [[2, 5, 4], 1]] as const) {
    const x = Tensor.randn([batch, 2, ...spatial], { seed: 1 });
    const mask = Tensor.randn(spatial, { seed: 4 }).greater(0);
    const coilMaps = Tensor.randn([1, 5, ...spatial, 2], { seed: 6 });
    const scan = new MultiCoilMRI({ mask, coilMaps });
    const y = await scan.A(x);
    for (const parts of [1, 2, 5]) {
      const split = splitCoils(scan, parts);
      assert.equal(split.length, parts);
      assert.ok(await largestDifference(Tensor.cat([...await split.A(x)], 2), y) < 1e-6);
      await assertSame(scan, split, x);
    }
    for (const wrong of [0, 6]) assert.throws(() => splitCoils(scan, wrong), /parts must be .* \[1, 5\]/);
    assert.throws(() => scan.withCoils(2, 2), /begin < end <= 5, got 2 and 2/);
  }
});
