import assert from "node:assert/strict";
import {
  discProbe,
  MRI,
  PhaseRetrieval,
  Ptychography,
  ptychographyShifts,
  RandomPhaseRetrieval,
  splitShifts,
  StructuredRandom,
  StructuredRandomPhaseRetrieval,
  Tensor,
  TensorList,
} from "../../src/physics/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertAdjoint, relativeGap } from "./adjoint.ts";

/** <J^T v, d> against (A(x + e d) - A(x - e d)) . v / (2 e), exact for a quadratic operator up to rounding. */
async function assertVjp(physics: PhaseRetrieval, x: Tensor): Promise<void> {
  const direction = Tensor.randn(x.shape, { seed: 71 });
  const step = 0.5;
  const ahead = await physics.A(x.addScaled(direction, step));
  const behind = await physics.A(x.addScaled(direction, -step));
  const v = Tensor.randn(ahead.shape, { seed: 72 });
  const expected = await ahead.sub(behind).dot(v).item() / (2 * step);
  const gradient = await physics.A_vjp(x, v);
  assert.deepEqual(gradient.shape, x.shape);
  const actual = await gradient.dot(direction).item();
  const size = await gradient.norm().item() * await direction.norm().item();
  assert.ok(Math.abs(actual - expected) <= 1e-4 * size, `${actual} and ${expected} of ${size}`);
}

/** |<a, b>| / (||a|| ||b||) of complex images (1, 2, H, W): 1 up to a global phase. */
async function cosine(a: Tensor, b: Tensor): Promise<number> {
  const x = await a.data(), y = await b.data(), half = x.length / 2;
  let [re, im, xx, yy] = [0, 0, 0, 0];
  for (let k = 0; k < half; k++) {
    re += x[k] * y[k] + x[k + half] * y[k + half];
    im += x[k] * y[k + half] - x[k + half] * y[k];
    xx += x[k] ** 2 + x[k + half] ** 2;
    yy += y[k] ** 2 + y[k + half] ** 2;
  }
  return Math.hypot(re, im) / Math.sqrt(xx * yy);
}

function operators(height: number, width: number, seed: number): Map<string, PhaseRetrieval> {
  const imgSize = [2, height, width];
  const larger = [2, height + seed % 4, 2 * width + 1], smaller = [2, Math.ceil(height / 2), width];
  const probe = Tensor.randn([2, height, width], { seed: 5 });
  const shifts = [[0, 0], [1, -2], [-1, 0], [height, 1]] as const;
  return new Map<string, PhaseRetrieval>([
    ["of MRI", new PhaseRetrieval({ B: new MRI({ mask: Tensor.ones([height, width]) }) })],
    ["random", new RandomPhaseRetrieval({ m: 7, imgSize, seed })],
    ["structured", new StructuredRandomPhaseRetrieval({ imgSize, seed })],
    ["half a layer", new StructuredRandomPhaseRetrieval({ imgSize, nLayers: 0.5 })],
    ["padded", new StructuredRandomPhaseRetrieval({ imgSize, outputSize: larger, nLayers: 2.5, seed })],
    ["cropped", new StructuredRandomPhaseRetrieval({ imgSize, outputSize: smaller, nLayers: 2, seed })],
    ["signs", new StructuredRandomPhaseRetrieval({ imgSize, nLayers: 2, diagonalMode: "rademacher" })],
    ["ptychography", new Ptychography({ imgSize, probe, shifts })],
    ["one shift", new Ptychography({ imgSize, shifts: [[0, 0]] })],
  ]);
}

onBothDevices("phase retrieval: B has an exact adjoint and A the right Jacobian, on any size", async () => {
  const sizes = [[1, 1, 1], [3, 5, 2], [2, 4, 7], [1, 13, 6], [3, 8, 8]];
  for (const [k, [batch, height, width]] of sizes.entries()) {
    const x = Tensor.randn([batch, 2, height, width], { seed: k });
    for (const [name, physics] of operators(height, width, k)) {
      await assertAdjoint(physics.B, x, `${name}, ${height} x ${width}`);
      await assertVjp(physics, x);
      const y = await physics.A(x);
      assert.ok(await y.min().item() >= 0);
      assert.deepEqual((await physics.A_adjoint(y)).shape, x.shape);
      const estimate = await physics.A_dagger(y, { maxIter: 2 });
      assert.deepEqual(estimate.shape, x.shape);
      for (let b = 0; b < batch; b++) {
        const norm = await estimate.slice([[b, b + 1]]).norm().item();
        const energy = await y.slice([[b, b + 1]]).sum().item();
        assert.ok(Math.abs(norm ** 2 - energy) <= 1e-4 * energy, `${name}: ${norm ** 2} and ${energy}`);
      }
    }
  }
});

onBothDevices("measurements are intensities of complex numbers", async () => {
  const x = Tensor.randn([2, 2, 4, 6], { seed: 3 });
  const physics = new StructuredRandomPhaseRetrieval({ imgSize: [1, 4, 6], nLayers: 1.5, seed: 4 });
  const field = await (await physics.B.A(x)).data(), y = await physics.A(x);
  assert.deepEqual(y.shape, [2, 1, 4, 6]);
  const values = await y.data();
  for (let b = 0; b < 2; b++) {
    for (let k = 0; k < 24; k++) {
      const expected = field[48 * b + k] ** 2 + field[48 * b + 24 + k] ** 2;
      assert.ok(Math.abs(values[24 * b + k] - expected) < 1e-5);
    }
  }
  const rotated = Tensor.cat([x.slice([null, [1, 2]]).neg(), x.slice([null, [0, 1]])], 1);
  assert.ok(await largestDifference(await physics.A(rotated), y) < 1e-4, "i x measures as x");
  assert.ok(await relativeGap(await physics.B_dagger(await physics.B.A(x)), x) < 1e-5, "B is unitary");
});

onBothDevices("the random matrix has the stated variance and depends on its seed only", async () => {
  const build = (seed: number) => new RandomPhaseRetrieval({ m: 400, imgSize: [2, 8, 8], seed });
  const x = Tensor.randn([3, 2, 8, 8], { seed: 1 });
  const y = await build(7).A(x);
  assert.deepEqual(y.shape, [3, 400]);
  const ratio = await y.sum().item() / await x.square().sum().item();
  assert.ok(Math.abs(ratio - 1) < 0.1, `energy ratio ${ratio}`);
  assert.equal(await largestDifference(await build(7).A(x), y), 0);
  assert.ok(await largestDifference(await build(8).A(x), y) > 0.1);
});

onBothDevices("the spectral method finds the image up to a phase, each item on its own", async () => {
  const x = Tensor.randn([2, 2, 6, 6], { seed: 2 }).mul(Tensor.from([1, 3], [2, 1, 1, 1]));
  const physics = new RandomPhaseRetrieval({ m: 900, imgSize: [2, 6, 6], seed: 3 });
  const estimate = await physics.A_dagger(await physics.A(x), { maxIter: 300 });
  for (let b = 0; b < 2; b++) {
    const [found, truth] = [estimate, x].map((t) => t.slice([[b, b + 1]]));
    assert.ok(await cosine(found, truth) > 0.9, `item ${b}: ${await cosine(found, truth)}`);
    assert.ok(Math.abs(await found.norm().item() / await truth.norm().item() - 1) < 0.1);
  }
  const alone = x.slice([[1, 2]]);
  const single = await physics.A_dagger(await physics.A(alone), {
    maxIter: 5,
    tol: 0,
    init: x.slice([[0, 1]]),
  });
  const both = await physics.A_dagger(await physics.A(x), {
    maxIter: 5,
    tol: 0,
    init: Tensor.cat([x.slice([[0, 1]]), x.slice([[0, 1]])], 0),
  });
  assert.ok(await relativeGap(both.slice([[1, 2]]), single) < 1e-5);
  assert.equal(await (await physics.A_dagger(Tensor.zeros([1, 900]))).norm().item(), 0);
});

onBothDevices("ptychography moves its probe as deepinv does", async () => {
  assert.deepEqual(ptychographyShifts([64, 64]).slice(0, 7), [
    [-32, -32],
    [-16, -32],
    [0, -32],
    [16, -32],
    [
      32,
      -32,
    ],
    [-32, -16],
    [-16, -16],
  ]);
  assert.deepEqual(ptychographyShifts([10, 9], 9).map(([rows]) => rows).slice(0, 3), [-5, 0, 4]);
  for (const width of [0, 4.5, Number.NaN]) {
    assert.throws(() => ptychographyShifts([8, width]), /the width must be a whole number >= 1, got/);
  }
  assert.throws(() => discProbe([8, 8], -1), /radius must be >= 0, got -1/);
  assert.throws(() => discProbe([8, 8], Number.NaN), /radius must be >= 0, got NaN/);
  const physics = new Ptychography({ imgSize: [1, 32, 32] });
  assert.equal(physics.shifts.length, 25);
  const overlap = await physics.probes.square().sum([0, 1]).mean().item();
  assert.ok(Math.abs(overlap - 1) < 1e-5, `mean illumination ${overlap}`);
  const centre = physics.shifts.findIndex(([r, c]) => r === 0 && c === 0);
  const disc = await physics.probes.slice([[0, 1], [centre, centre + 1]]).data();
  for (let row = 0; row < 32; row++) {
    for (let column = 0; column < 32; column++) {
      assert.equal(disc[32 * row + column] > 0, (row - 16) ** 2 + (column - 16) ** 2 < 100);
    }
  }
  const probe = Tensor.arange(1, 7).reshape([2, 3]);
  const moved = new Ptychography({ imgSize: [2, 2, 3], probe, shifts: [[0, 0], [1, -1]] });
  const scale = Math.sqrt((1 + 4 + 9 + 16 + 25 + 36 + 4 + 9) / 6);
  const expected = Tensor.from([0, 0, 0, 2, 3, 0], [1, 1, 2, 3]).mul(1 / scale);
  assert.ok(await largestDifference(moved.probes.slice([[0, 1], [1, 2]]), expected) < 1e-6);
});

onBothDevices("ptychography split by shifts is the whole scan", async () => {
  const x = Tensor.randn([2, 2, 12, 12], { seed: 1 });
  const physics = new Ptychography({ imgSize: [2, 12, 12] });
  const y = await physics.A(x), v = Tensor.randn(y.shape, { seed: 2 });
  for (const parts of [1, 3, 25]) {
    const split = splitShifts(physics, parts);
    assert.equal(split.length, parts);
    const list = await split.A(x);
    assert.ok(await largestDifference(Tensor.cat([...list], 1), y) < 1e-5);
    let begin = 0;
    const pieces = [...list].map((part) => {
      const piece = v.slice([null, [begin, begin + part.shape[1]]]);
      begin += part.shape[1];
      return piece;
    });
    const gradient = await split.A_vjp(x, TensorList.from(pieces));
    assert.ok(await relativeGap(gradient, await physics.A_vjp(x, v)) < 1e-5);
  }
  for (const wrong of [0, 26, 1.5]) {
    assert.throws(() => splitShifts(physics, wrong), /parts must be .* \[1, 25\]/);
  }
});

onBothDevices("phase retrieval frees what it makes", async () => {
  const x = Tensor.randn([1, 2, 6, 5], { seed: 1 });
  const all = operators(6, 5, 1);
  const reshaped = x.reshape([1, 60]);
  const exercise = async () => {
    for (const physics of all.values()) {
      using y = await physics.A(x);
      (await physics.A_vjp(x, y)).dispose();
      (await physics.A_adjoint(y)).dispose();
      (await physics.A_dagger(y, { maxIter: 3 })).dispose();
      await assert.rejects(physics.A_vjp(x, reshaped));
    }
  };
  await exercise(); // The device keeps the tables of the transforms.
  await assertNothingLeaks(exercise);
});

onBothDevices("phase retrieval says what is wrong", async () => {
  const imgSize = [2, 4, 4];
  assert.throws(() => new RandomPhaseRetrieval({ m: 0, imgSize }), /m must be a whole number >= 1, got 0/);
  assert.throws(() => new RandomPhaseRetrieval({ m: 3, imgSize: [3, 4, 4] }), /imgSize must be \(2, H, W\)/);
  assert.throws(
    () => new StructuredRandom({ imgSize, outputSize: [2, 3, 5] }),
    /outputSize must be at least/,
  );
  for (const nLayers of [0, 0.25, -1]) {
    assert.throws(() => new StructuredRandom({ imgSize, nLayers }), /nLayers must be a positive multiple/);
  }
  assert.throws(() => new Ptychography({ imgSize, probe: Tensor.ones([3, 4]) }), /probe must be of shape/);
  assert.throws(() => new Ptychography({ imgSize, shifts: [] }), /shifts must be at least one pair/);
  assert.throws(() => new Ptychography({ imgSize, shifts: [[0.5, 1]] }), /shifts must be/);
  assert.throws(() => ptychographyShifts([8, 8], 7), /count must be a square number/);
  const physics = new Ptychography({ imgSize });
  await assert.rejects(physics.A(Tensor.ones([1, 1, 4, 4])), /x must be complex, of shape \(B, 2, H, W\)/);
  await assert.rejects(physics.A(Tensor.ones([1, 2, 4, 5])), /of shape \(B, 2, 4, 4\), got \(1, 2, 4, 5\)/);
  await assert.rejects(
    physics.A_vjp(Tensor.ones([1, 2, 4, 4]), Tensor.ones([1, 2, 4, 4])),
    /v must be of shape \(1, 25, 4, 4\)/,
  );
  const random = new RandomPhaseRetrieval({ m: 3, imgSize });
  await assert.rejects(random.A_adjoint(Tensor.ones([1, 4])), /\(B, 2, 3\), got \(1, 2, 4\)/);
});
