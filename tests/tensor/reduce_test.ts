import { InvalidArgumentError, Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "./leaks.ts";
import { assertPlain, indicesOf, Plain } from "./plain.ts";
import assert from "node:assert/strict";

const REDUCTIONS = {
  sum: (values: number[]) => values.reduce((sum, value) => sum + value, 0),
  mean: (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length,
  max: (values: number[]) => Math.max(...values),
  min: (values: number[]) => Math.min(...values),
  norm: (values: number[]) => Math.hypot(...values),
} as const;

const DIMS = [undefined, 0, -1, [0], [1], [2], [0, 1], [0, 2], [1, 2], [2, 0], [0, 1, 2], []] as const;

/** Reduces by collecting, for each index of the result, all values that fall on it. */
function reduced(
  a: Plain,
  dims: number | readonly number[] | undefined,
  keepDims: boolean,
  f: (values: number[]) => number,
): Plain {
  const rank = a.shape.length;
  const list = dims === undefined ? a.shape.map((_, d) => d) : typeof dims === "number" ? [dims] : dims;
  const gone = new Set(list.map((d) => (d + rank) % rank));
  const kept = a.shape.map((extent, d) => (gone.has(d) ? 1 : extent));
  const buckets = new Map(indicesOf(kept).map((index) => [String(index), [] as number[]]));
  for (const index of indicesOf(a.shape)) {
    buckets.get(String(index.map((i, d) => (gone.has(d) ? 0 : i))))!.push(a.at(index));
  }
  const shape = keepDims ? kept : a.shape.filter((_, d) => !gone.has(d));
  return new Plain(shape, [...buckets.values()].map(f));
}

onBothDevices("reductions over every choice of dimensions", async () => {
  const a = Plain.random([3, 4, 5]);
  using x = a.tensor();
  for (const name of Object.keys(REDUCTIONS) as (keyof typeof REDUCTIONS)[]) {
    for (const dims of DIMS) {
      for (const keepDims of [false, true]) {
        using y = x[name](dims, { keepDims });
        const expected = reduced(a, dims, keepDims, REDUCTIONS[name]);
        await assertPlain(y, expected, `${name} over ${dims}, keepDims ${keepDims}`, 1e-6);
      }
    }
  }
});

onBothDevices("dot sums products over every choice of dimensions", async () => {
  const a = Plain.random([3, 4, 5], 1), b = Plain.random([3, 4, 5], 2);
  const products = Plain.build(a.shape, (index) => a.at(index) * b.at(index));
  using x = a.tensor();
  using y = b.tensor();
  for (const dims of DIMS) {
    using z = x.dot(y, dims);
    await assertPlain(z, reduced(products, dims, false, REDUCTIONS.sum), `dot over ${dims}`, 1e-6);
  }
  assert.throws(() => x.dot(y.reshape([4, 3, 5])), /of shape \(3, 4, 5\), got \(4, 3, 5\)/);
});

onBothDevices("reductions of scalars, of nothing and with NaN", async () => {
  using scalar = Tensor.full([], -3);
  assert.equal(await scalar.sum().item(), -3);
  assert.equal(await scalar.norm().item(), 3);
  using nothing = Tensor.zeros([2, 0]);
  const rows = (value: number) => new Plain([2], [value, value]);
  await assertPlain(nothing.sum(1), rows(0), "sum of nothing");
  await assertPlain(nothing.norm(1), rows(0), "norm of nothing");
  await assertPlain(nothing.max(1), rows(-Infinity), "max of nothing");
  await assertPlain(nothing.min(1), rows(Infinity), "min of nothing");
  await assertPlain(nothing.mean(1), rows(NaN), "mean of nothing");
  assert.deepEqual(nothing.sum(0).shape, [0]);
  using spoiled = Tensor.from([[1, NaN, 3], [4, 5, 6]]);
  await assertPlain(spoiled.max(1), new Plain([2], [NaN, 6]), "max with NaN");
  await assertPlain(spoiled.min(1), new Plain([2], [NaN, 4]), "min with NaN");
  await assertPlain(spoiled.sum(1), new Plain([2], [NaN, 15]), "sum with NaN");
});

onBothDevices("long sums keep float32's precision", async () => {
  const count = 1_000_003;
  using x = Tensor.full([count], 0.1);
  const exact = Math.fround(0.1) * count;
  assert.ok(Math.abs(await x.sum().item() - exact) < 1e-6 * exact);
  assert.ok(Math.abs(await x.mean().item() - 0.1) < 1e-6);
});

onBothDevices("unknown dimensions are refused without a leak", async () => {
  using x = Tensor.ones([2, 3]);
  await assertNothingLeaks(() => {
    for (const dims of [2, -3, [0, 5], 0.5]) assert.throws(() => x.sum(dims), InvalidArgumentError);
    assert.throws(() => x.dot(3 as unknown as Tensor), InvalidArgumentError);
  });
});
