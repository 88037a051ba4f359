import assert from "node:assert/strict";
import {
  densityCompensation,
  InvalidArgumentError,
  RadioInterferometry,
  splitVisibilities,
  Tensor,
} from "../../src/physics/mod.ts";
import { randomValues } from "../compute/oracle.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertAdjoint, relativeGap } from "./adjoint.ts";

/** Random frequencies (2, K) in [-pi, pi], the corners of the range among them. */
function locations(count: number, seed: number): Float32Array {
  const values = randomValues(2 * count, seed).map((value) => Math.PI * value);
  values[0] = Math.PI;
  if (count > 1) values[count + 1] = -Math.PI;
  if (count > 2) values[2] = values[count + 2] = 0;
  return values;
}

/** sum_n x[n] exp(-i w . n) / (s sqrt(H W)) in float64, as (B, 2, K); imaginary parts are optional. */
function directTransform(
  x: Float32Array,
  [batch, channels, height, width]: readonly number[],
  w: Float32Array,
  oversampling: number,
): Float64Array {
  const count = w.length / 2, scale = 1 / (oversampling * Math.sqrt(height * width));
  const y = new Float64Array(batch * 2 * count);
  for (let b = 0; b < batch; b++) {
    for (let k = 0; k < count; k++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          const angle = w[k] * (i - Math.floor(height / 2)) + w[count + k] * (j - Math.floor(width / 2));
          const at = ((b * channels) * height + i) * width + j;
          const re = x[at], im = channels === 2 ? x[at + height * width] : 0;
          const cos = Math.cos(angle), sin = Math.sin(angle);
          y[(2 * b) * count + k] += scale * (re * cos + im * sin);
          y[(2 * b + 1) * count + k] += scale * (im * cos - re * sin);
        }
      }
    }
  }
  return y;
}

function gap(actual: Float32Array, expected: Float64Array): number {
  let error = 0, size = 0;
  expected.forEach((value, i) => {
    error += (actual[i] - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(error / size);
}

const SHAPES = [[1, 1], [1, 9], [2, 2], [5, 3], [7, 7], [8, 16], [11, 13], [16, 16], [23, 17], [31, 32]];

onBothDevices("visibilities are the Fourier sum, and the adjoint is exact, 20 shapes", async () => {
  for (let trial = 0; trial < 20; trial++) {
    const [height, width] = SHAPES[trial % SHAPES.length];
    const batch = 1 + trial % 3, count = [1, 2, 40, 129][trial % 4];
    const realProjection = trial < 13;
    const shape = [batch, realProjection ? 1 : 2, height, width];
    const values = randomValues(batch * shape[1] * height * width, trial + 1);
    const w = locations(count, trial + 50);
    using x = Tensor.from(values, shape);
    using samplesLoc = Tensor.from(w, [2, count]);
    const physics = new RadioInterferometry({ imgSize: [height, width], samplesLoc, realProjection });
    using y = await physics.A(x);
    assert.deepEqual(y.shape, [batch, 2, count]);
    const error = gap(await y.data(), directTransform(values, shape, w, 2));
    assert.ok(error < 1e-5, `(${shape}), ${count} visibilities: ${error}`);
    await assertAdjoint(physics, x, `(${shape})`);
  }
});

onBothDevices("oversampling and interpolation points trade time for accuracy", async () => {
  const values = randomValues(12 * 15, 3), w = locations(60, 4);
  using x = Tensor.from(values, [1, 1, 12, 15]);
  using samplesLoc = Tensor.from(w, [2, 60]);
  const errors: number[] = [];
  for (const [kOversampling, interpPoints] of [[2, 3], [2, 5], [2, 7], [1.5, 8], [3, 6]]) {
    const physics = new RadioInterferometry({ imgSize: [12, 15], samplesLoc, kOversampling, interpPoints });
    using y = await physics.A(x);
    const nominal = Math.sqrt(Math.round(12 * kOversampling) * Math.round(15 * kOversampling) / 180);
    errors.push(gap(await y.data(), directTransform(values, [1, 1, 12, 15], w, nominal)));
    await assertAdjoint(physics, x, `${kOversampling}, ${interpPoints}`);
  }
  assert.ok(errors[0] < 3e-2 && errors[1] < 1e-3, String(errors));
  assert.ok(errors.slice(2).every((error) => error < 1e-5), String(errors));
  assert.ok(errors[0] > errors[1] && errors[1] > errors[2]);
});

onBothDevices("weights multiply the visibilities on both ways", async () => {
  const count = 33;
  using samplesLoc = Tensor.from(locations(count, 5), [2, count]);
  using weights = Tensor.from(randomValues(count, 6).map((value) => 1.5 + value), [count]);
  using x = Tensor.from(randomValues(2 * 90, 7), [2, 1, 9, 10]);
  const imgSize = [9, 10];
  const plain = new RadioInterferometry({ imgSize, samplesLoc });
  const weighted = new RadioInterferometry({ imgSize, samplesLoc, dataWeight: weights });
  const halved = new RadioInterferometry({ imgSize, samplesLoc, dataWeight: 0.5 });
  using y = await plain.A(x);
  using product = y.mul(weights);
  assert.ok(await relativeGap(await weighted.A(x), product) < 1e-6);
  assert.ok(await relativeGap(await weighted.A_adjoint(y), await plain.A_adjoint(product)) < 1e-6);
  assert.ok(await relativeGap(await halved.A(x), y.mul(0.5)) < 1e-6);
  await assertAdjoint(weighted, x, "weighted");
  const copy = weighted.clone();
  weighted.update({ dataWeight: 0.5 });
  assert.ok(await relativeGap(await weighted.A(x), y.mul(0.5)) < 1e-6);
  assert.ok(await relativeGap(await copy.A(x), product) < 1e-6);
  assert.throws(() => weighted.update({ dataWeight: Tensor.ones([2]) }), /dataWeight must be/);
});

onBothDevices("more visibilities around one frequency than a shader's loop may turn", async () => {
  const count = 70_000;
  using samplesLoc = Tensor.full([2, count], 0.3);
  const physics = new RadioInterferometry({ imgSize: [6, 5], samplesLoc });
  const single = new RadioInterferometry({ imgSize: [6, 5], samplesLoc: Tensor.full([2, 1], 0.3) });
  using ones = Tensor.ones([1, 2, count]);
  using one = Tensor.full([1, 2, 1], count);
  assert.ok(await relativeGap(await physics.A_adjoint(ones), await single.A_adjoint(one)) < 1e-4);
});

onBothDevices("split by visibilities, a stack is the instrument, in blocks", async () => {
  const count = 47;
  using samplesLoc = Tensor.from(locations(count, 8), [2, count]);
  using dataWeight = Tensor.from(randomValues(count, 9).map((value) => 2 + value), [count]);
  using x = Tensor.from(randomValues(2 * 8 * 11, 10), [2, 1, 8, 11]);
  const whole = new RadioInterferometry({ imgSize: [8, 11], samplesLoc, dataWeight });
  using y = await whole.A(x);
  using normal = await whole.A_adjoint_A(x);
  const norm = await whole.computeSqnorm(x, { tol: 1e-4 });
  for (const parts of [1, 2, 5, 47]) {
    const split = splitVisibilities(whole, parts);
    assert.equal(split.length, parts);
    const pieces = await split.A(x);
    assert.ok(await relativeGap(Tensor.cat([...pieces], 2), y) < 1e-6);
    assert.ok(await relativeGap(await split.A_adjoint(pieces), normal) < 1e-5);
    assert.ok(await relativeGap(await split.A_adjoint_A(x), normal) < 1e-5);
    if (parts === 5) assert.ok(Math.abs(await split.computeSqnorm(x, { tol: 1e-4 }) / norm - 1) < 1e-3);
  }
  for (const wrong of [0, 48, 1.5]) assert.throws(() => splitVisibilities(whole, wrong), /\[1, 47\]/);
  assert.throws(() => whole.withVisibilities(3, 3), /begin < end <= 47, got 3 and 3/);
});

onBothDevices(
  "density weights even out the sampling of a uniform disk sampled more densely at its centre",
  async () => {
    const count = 4000;
    const radius = randomValues(count, 11).map((value) => (value + 1) / 2 * 2.5);
    const angle = randomValues(count, 12).map((value) => Math.PI * value);
    const w = Float32Array.from({ length: 2 * count }, (_, k) => {
      const s = k % count;
      return radius[s] * (k < count ? Math.cos(angle[s]) : Math.sin(angle[s]));
    });
    using samplesLoc = Tensor.from(w, [2, count]);
    using weights = await densityCompensation({ imgSize: [24, 24], samplesLoc, iterations: 30 });
    const values = await weights.data();
    const mean = (low: number, high: number) => {
      const chosen = values.filter((_, s) => radius[s] >= low && radius[s] < high);
      return chosen.reduce((sum, value) => sum + value, 0) / chosen.length;
    };
    assert.ok(values.every((value) => value > 0));
    const ratio = mean(1.6, 2) / mean(0.6, 1);
    assert.ok(Math.abs(ratio / (1.8 / 0.8) - 1) < 0.15, `weights grow as the radius: ${ratio}`);
  },
);

onBothDevices("nothing stays behind but what the operator keeps", async () => {
  using samplesLoc = Tensor.from(locations(20, 13), [2, 20]);
  const physics = new RadioInterferometry({ imgSize: [6, 7], samplesLoc, realProjection: false });
  using x = Tensor.ones([1, 2, 6, 7]);
  const both = async () => {
    using y = await physics.A(x);
    using _ = await physics.A_adjoint(y);
  };
  await both();
  await assertNothingLeaks(both);
});

onBothDevices("what does not fit is refused", async () => {
  using samplesLoc = Tensor.zeros([2, 4]);
  const build = (options: object) => () =>
    new RadioInterferometry({ imgSize: [8, 8], samplesLoc, ...options });
  assert.throws(build({ imgSize: [1, 8, 8] }), /imgSize must be \(H, W\)/);
  assert.throws(build({ samplesLoc: Tensor.zeros([4, 2]) }), /shape \(2, K\), K >= 1, got shape \(4, 2\)/);
  assert.throws(build({ samplesLoc: [[0], [0]] }), InvalidArgumentError);
  assert.throws(build({ dataWeight: Tensor.ones([3]) }), /dataWeight must be .* \(1\) or \(4\)/);
  assert.throws(build({ dataWeight: NaN }), InvalidArgumentError);
  assert.throws(build({ kOversampling: 0.5 }), /kOversampling/);
  assert.throws(build({ interpPoints: 1.5 }), /interpPoints/);
  const physics = new RadioInterferometry({ imgSize: [8, 8], samplesLoc });
  await assert.rejects(() => physics.A(Tensor.ones([1, 2, 8, 8])), /of shape \(B, 1, 8, 8\)/);
  await assert.rejects(() => physics.A_adjoint(Tensor.ones([1, 2, 5])), /of shape \(B, 2, 4\)/);
  const outside = new RadioInterferometry({ imgSize: [8, 8], samplesLoc: Tensor.full([2, 4], 4) });
  await assert.rejects(() => outside.A(Tensor.ones([1, 1, 8, 8])), /in \[-pi, pi\].* got a value 4/);
});
