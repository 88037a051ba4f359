import assert from "node:assert/strict";
import { Tensor, Tomography } from "../../src/physics/mod.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";
import { assertAdjoint, relativeGap } from "./adjoint.ts";

const FAN = { nDetectorPixels: 20, detectorSpacing: 0.077 };

onBothDevices("parallel-beam tomography equals deepinv's", async () => {
  const x = image(1, 1, 16, 16);
  for (const circle of [false, true]) {
    const name = `Tomo7.circle${circle ? "True" : "False"}`;
    const scan = new Tomography({ angles: 7, imgWidth: 16, circle, normalize: false });
    const y = await scan.A(x);
    await assertGolden(y, `${name}.A`, 1e-5);
    await assertGolden(await scan.A_adjoint(y), `${name}.AT`, 1e-5);
    await assertGolden(await scan.fbp(y), `${name}.fbp`, 1e-5);
  }
  const smooth = new Tomography({ angles: 7, imgWidth: 16, normalize: false, adjointViaBackprop: false });
  await assertGolden(
    await smooth.A_adjoint(await smooth.A(x)),
    "Tomo7.adjoint_via_backprop=False.AT",
    1e-5,
  );
});

onBothDevices("fan-beam tomography equals deepinv's", async () => {
  const x = image(1, 1, 16, 16);
  const fan = new Tomography({
    angles: 5,
    imgWidth: 16,
    normalize: false,
    fanBeam: true,
    fanParameters: FAN,
  });
  const y = await fan.A(x);
  await assertGolden(y, "TomoFan5.A", 1e-5);
  await assertGolden(await fan.A_adjoint(y), "TomoFan5.AT", 1e-5);
  await assertGolden(await fan.fbp(y), "TomoFan5.fbp", 1e-5);
});

onBothDevices("tomography has an exact adjoint for any width, number of angles and batch", async () => {
  const widths = [1, 2, 3, 4, 5, 7, 8, 11, 13, 17, 19, 24, 31];
  for (const [k, imgWidth] of widths.entries()) {
    const x = Tensor.randn([k % 3 === 0 ? 3 : 1, 1 + k % 2, imgWidth, imgWidth], { seed: k });
    const angles = k % 2 === 0 ? 1 + k : [-30, 45, 90, 123.4, 270];
    for (const fanBeam of [false, true]) {
      const fanParameters = { nDetectorPixels: 5 + 3 * k, detectorSpacing: 0.5 / (k + 1) };
      const circle = k % 4 === 3;
      const scan = new Tomography({ angles, imgWidth, circle, normalize: false, fanBeam, fanParameters });
      await assertAdjoint(scan, x, `width ${imgWidth}, ${fanBeam ? "fan" : "parallel"} beam`);
    }
  }
});

onBothDevices("a normalised scan has norm 1, and its inverses invert", async () => {
  const x = image(2, 1, 12, 12);
  const options = { angles: 40, imgWidth: 12 };
  const scan = new Tomography(options), plain = new Tomography({ ...options, normalize: false });
  assert.ok(Math.abs(await scan.computeSqnorm(x, { tol: 1e-6 }) - 1) < 1e-4);
  const norm = await scan.operatorNorm();
  assert.ok(Math.abs(norm ** 2 / await plain.computeSqnorm(x) - 1) < 1e-4);
  const y = await scan.A(x);
  assert.ok(await largestDifference(y.mul(norm), await plain.A(x)) < 1e-4);
  assert.ok(await relativeGap(await scan.fbp(y), await plain.fbp(y.mul(norm))) < 1e-5);
  assert.ok(await relativeGap(await scan.A_dagger(y, { fbp: true }), await scan.fbp(y)) === 0);
  assert.ok(await relativeGap(await scan.A_dagger(y, { maxIter: 200, tol: 1e-6 }), x) < 1e-2);
  const blind = new Tomography({ angles: 3, imgWidth: 2, circle: true });
  assert.equal(await (await blind.A(Tensor.ones([1, 1, 2, 2]))).norm().item(), 0);
});

onBothDevices("wrong angles, sizes and scanners are clear errors", async () => {
  for (const angles of [0, 2.5, [], [1, NaN]]) {
    assert.throws(() => new Tomography({ angles, imgWidth: 4 }), /angles must be/);
  }
  assert.throws(() => new Tomography({ angles: 2, imgWidth: 0 }), /imgWidth must be/);
  const fan = { angles: 2, imgWidth: 4, fanBeam: true };
  assert.throws(
    () => new Tomography({ ...fan, fanParameters: { sourceRadius: 0.1 } }),
    /sourceRadius must be/,
  );
  assert.throws(() => new Tomography({ ...fan, fanParameters: { nDetectorPixels: 0 } }), /nDetectorPixels/);
  const scan = new Tomography({ angles: 2, imgWidth: 4 });
  await assert.rejects(scan.A(Tensor.ones([1, 1, 4, 5])), /of shape \(B, C, 4, 4\), got \(1, 1, 4, 5\)/);
  await assert.rejects(scan.A_adjoint(Tensor.ones([1, 1, 4, 2])), /of shape \(B, C, 6, 2\)/);
  assert.throws(() => scan.withViews([2]), /views must be in \[0, 1\]/);
});

onBothDevices("the circle holds every pixel that lies on it, on all four sides", async () => {
  // Of width 11, the points (3, 4) / 5 and their mirror images lie on the circle exactly.
  using ones = Tensor.ones([1, 1, 11, 11]);
  const scan = new Tomography({ angles: [0], imgWidth: 11, circle: true, normalize: false });
  using y = await scan.A(ones);
  const chord = (column: number) => 2 * Math.floor(Math.sqrt(25 - (column - 5) ** 2)) + 1;
  const values = await y.data();
  for (const [column, value] of values.entries()) {
    assert.ok(Math.abs(value - chord(column)) < 1e-4, `${column}: ${value}`);
  }
});
