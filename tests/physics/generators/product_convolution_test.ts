import assert from "node:assert/strict";
import {
  GaussianBlurGenerator,
  MotionBlurGenerator,
  ProductConvolutionBlurGenerator,
  SpaceVaryingBlur,
  Tensor,
} from "../../../src/physics/mod.ts";
import { symmetricEigen } from "../../../src/physics/generators/symmetric_eigen.ts";
import { type Place, thinPlateSpline } from "../../../src/physics/generators/thin_plate_spline.ts";
import { largestDifference, onBothDevices } from "../../golden.ts";
import { assertAdjoint } from "../adjoint.ts";

onBothDevices("the kernels at the grid's places are the sums of filters and multipliers", async () => {
  const imgSize = [13, 16], spacing = [6, 5] as const;
  const psfGenerator = new MotionBlurGenerator({ psfSize: [5, 7], sigma: 0.3 });
  const generator = new ProductConvolutionBlurGenerator({ psfGenerator, imgSize, nEigenPsf: 6, spacing });
  const { filters, multipliers } = generator.step({ batchSize: 3, seed: 8 });
  assert.deepEqual(filters.shape, [3, 1, 6, 5, 7]);
  assert.deepEqual(multipliers.shape, [3, 1, 6, 13, 16]);
  const drawn = psfGenerator.step({ batchSize: 18, seed: 8 }).filter;
  for (let item = 0; item < 3; item++) {
    for (const [place, row, column] of [[0, 0, 0], [2, 0, 15], [3, 12, 0], [5, 12, 15]]) {
      const weights = multipliers.slice([[item, item + 1], null, null, [row, row + 1], [column, column + 1]]);
      const kernel = filters.slice([[item, item + 1]]).mul(weights).sum(2);
      const expected = drawn.slice([[6 * item + place, 6 * item + place + 1]]);
      assert.ok(await largestDifference(kernel, expected) < 1e-4, `item ${item}, place ${place}`);
    }
  }
  const again = new ProductConvolutionBlurGenerator({ psfGenerator, imgSize, nEigenPsf: 6, spacing });
  assert.equal(await largestDifference(again.step({ batchSize: 3, seed: 8 }).filters, filters), 0);
  const first = generator.step({ seed: 8 }).multipliers;
  assert.equal(await largestDifference(first, multipliers.slice([[0, 1]])), 0);
});

onBothDevices("a space-varying blur takes them, and keeps a constant image nearly constant", async () => {
  const psfGenerator = new GaussianBlurGenerator({ psfSize: 7, sigmaMax: 1.5 });
  const generator = new ProductConvolutionBlurGenerator({ psfGenerator, imgSize: [1, 32, 32], nEigenPsf: 5 });
  const blur = new SpaceVaryingBlur({ ...generator.step({ seed: 1 }), padding: "circular" });
  const x = Tensor.ones([1, 1, 32, 32]);
  const y = await blur.A(x);
  assert.ok(Math.abs(await y.mean().item() - 1) < 0.05, `mean ${await y.mean().item()}`);
  await assertAdjoint(blur, Tensor.randn([1, 1, 32, 32], { seed: 2 }), "space-varying blur");
});

Deno.test("eigenvectors diagonalise a symmetric matrix", () => {
  for (const n of [1, 2, 7, 20]) {
    const raw = Float64Array.from({ length: n * n }, (_, k) => Math.sin(3.7 * k + 0.1 * k * k));
    const matrix = raw.map((value, k) => value + raw[(k % n) * n + Math.floor(k / n)]);
    const { values, vectors } = symmetricEigen(matrix, n);
    assert.ok(values.every((value, k) => k === 0 || value <= values[k - 1]));
    vectors.forEach((u, k) => {
      for (let i = 0; i < n; i++) {
        let product = 0;
        for (let j = 0; j < n; j++) product += matrix[i * n + j] * u[j];
        assert.ok(Math.abs(product - values[k] * u[i]) < 1e-9);
      }
      vectors.forEach((v, l) => {
        const inner = u.reduce((sum, value, i) => sum + value * v[i], 0);
        assert.ok(Math.abs(inner - (k === l ? 1 : 0)) < 1e-9);
      });
    });
  }
});

Deno.test("thin-plate splines meet their values and reproduce planes", () => {
  const places: Place[] = [[0, 0], [0, 1], [1, 0], [1, 1], [0.3, 0.6], [0.8, 0.2]];
  const values = places.map(([x, y]) => Math.sin(5 * x) + y * y);
  const plane = places.map(([x, y]) => 2 - 3 * x + 4 * y);
  const targets: Place[] = [...places, [0.5, 0.5], [0.1, 0.9]];
  const [curve, flat] = thinPlateSpline(places, [values, plane], targets);
  values.forEach((value, k) => assert.ok(Math.abs(curve[k] - value) < 1e-9));
  targets.forEach(([x, y], k) => assert.ok(Math.abs(flat[k] - (2 - 3 * x + 4 * y)) < 1e-9));
});

Deno.test("the product-convolution generator says what is wrong", () => {
  const psfGenerator = new MotionBlurGenerator({ psfSize: 5 });
  const build = (options: object) =>
    new ProductConvolutionBlurGenerator({ psfGenerator, imgSize: [16, 16], ...options });
  assert.throws(() => build({ psfGenerator: {} }), /psfGenerator must be a PsfGenerator/);
  assert.throws(() => build({ imgSize: [16] }), /imgSize must be \(H, W\) or \(C, H, W\)/);
  assert.throws(
    () => build({ spacing: [9, 4] }),
    /spacing must be whole numbers from 1 to 8 and 8, got \(9, 4\)/,
  );
  assert.throws(() => build({ nEigenPsf: 65 }), /nEigenPsf must be a whole number in \[1, 64\]/);
});
