import { l1l2, lpNorm, mae, type MetricOptions, mse, nmse, psnr, snr, ssim } from "../../src/metrics/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 2, 7, 8];
const a = Plain.build(SHAPE, (k) => Plain.random(SHAPE, 1).at(k) + k[0]), b = Plain.random(SHAPE, 2);
type Metric = (x: Tensor, reference: Tensor, options: MetricOptions) => Tensor;

/** The values of one item of both, at the positions that are kept. */
function pairs(item: number, kept: (k: readonly number[]) => boolean = () => true): [number, number][] {
  const found: [number, number][] = [];
  Plain.build(SHAPE, (k) => {
    if (k[0] === item && kept(k)) found.push([a.at(k), b.at(k)]);
    return 0;
  });
  return found;
}

function sum<T>(list: readonly T[], f: (entry: T) => number): number {
  return list.reduce((total, entry) => total + f(entry), 0);
}

const METRICS: readonly [string, Metric, (list: readonly [number, number][]) => number][] = [
  ["mse", mse, (list) => sum(list, ([u, v]) => (u - v) ** 2) / list.length],
  ["mae", mae, (list) => sum(list, ([u, v]) => Math.abs(u - v)) / list.length],
  ["nmse", nmse, (list) => sum(list, ([u, v]) => (u - v) ** 2) / sum(list, ([, v]) => v * v)],
  ["snr", snr, (list) => -10 * Math.log10(sum(list, ([u, v]) => (u - v) ** 2) / sum(list, ([, v]) => v * v))],
  [
    "l1l2",
    (x, y, options) => l1l2(x, y, { ...options, alpha: 0.3 }),
    (list) => sum(list, ([u, v]) => 0.3 * Math.abs(u - v) + 0.7 * (u - v) ** 2) / list.length,
  ],
  [
    "lpNorm",
    (x, y, options) => lpNorm(x, y, { ...options, p: 3 }),
    (list) => sum(list, ([u, v]) => Math.abs(u - v) ** 3),
  ],
  [
    "lpNorm, one-sided",
    (x, y, options) => lpNorm(x, y, { ...options, p: 1, onesided: true }),
    (list) => sum(list, ([u, v]) => Math.abs(Math.max(u, v))),
  ],
  [
    "psnr",
    psnr,
    (list) => -10 * Math.log10(sum(list, ([u, v]) => (u - v) ** 2) / list.length + 1e-8),
  ],
];

for (const [name, metric, value] of METRICS) {
  onBothDevices(`${name}: its definition for every item, cropped and reduced`, async () => {
    using x = a.tensor();
    using y = b.tensor();
    const items = (kept?: (k: readonly number[]) => boolean) => [0, 1].map((i) => value(pairs(i, kept)));
    await assertNothingLeaks(async () => {
      const check = async (options: MetricOptions, expected: readonly number[], shape = [2]) => {
        using found = metric(x, y, options);
        await assertPlain(found, new Plain(shape, expected), JSON.stringify(options), 1e-4);
      };
      await check({}, items());
      const [first, second] = items();
      await check({ reduction: "mean" }, [(first + second) / 2], []);
      await check({ reduction: "sum" }, [first + second], []);
      await check({ reduction: "none", normInputs: "none" }, items());
      const inner = ([, , i, j]: readonly number[]) => i >= 1 && i < 5 && j >= 2 && j < 6;
      await check({ centerCrop: 4 }, items(inner));
      await check({ centerCrop: [5, 3] }, items(([, , i, j]) => i >= 1 && i < 6 && j >= 2 && j < 5));
      await check({ centerCrop: [3] }, items(([, , , j]) => j >= 2 && j < 5));
      await check({ centerCrop: -2 }, items(([, , i, j]) => i >= 2 && i < 5 && j >= 2 && j < 6));
      await check({ centerCrop: [-1, 0] }, items(([, , i]) => i >= 1 && i < 6));
    });
  });
}

onBothDevices("inputs are normalised image by image", async () => {
  using x = a.tensor();
  using y = b.tensor();
  const values = (plain: Plain, item: number, channel?: number) => {
    const found: number[] = [];
    Plain.build(SHAPE, (k) => {
      if (k[0] === item && (channel === undefined || k[1] === channel)) found.push(plain.at(k));
      return 0;
    });
    return found;
  };
  const rules: Record<string, (plain: Plain, k: readonly number[]) => number> = {
    min_max: (plain, k) => {
      const list = values(plain, k[0]), least = Math.min(...list);
      return (plain.at(k) - least) / (Math.max(...list) - least);
    },
    clip: (plain, k) => Math.min(1, Math.max(0, plain.at(k))),
    l2: (plain, k) => plain.at(k) / Math.hypot(...values(plain, k[0], k[1])),
    standardize: (plain, k) => {
      const list = values(plain, k[0]), mean = sum(list, (v) => v) / list.length;
      return (plain.at(k) - mean) / Math.sqrt(sum(list, (v) => (v - mean) ** 2) / (list.length - 1));
    },
  };
  for (const [normInputs, rule] of Object.entries(rules)) {
    const errors = [0, 1].map((item) => {
      let total = 0;
      Plain.build(SHAPE, (k) => {
        if (k[0] === item) total += (rule(a, k) - rule(b, k)) ** 2;
        return 0;
      });
      return total / 112;
    });
    using found = mse(x, y, { normInputs: normInputs as "clip" });
    await assertPlain(found, new Plain([2], errors), normInputs, 1e-4);
  }
  using flat = Tensor.full(SHAPE, 3);
  using zero = Tensor.zeros(SHAPE);
  assert.deepEqual([...await mse(flat, zero, { normInputs: "min_max" }).data()], [0, 0]);
});

onBothDevices("complex images are compared by magnitude, and ranges may be the reference's own", async () => {
  using x = a.tensor();
  using y = b.tensor();
  const size = (plain: Plain, k: readonly number[]) =>
    Math.hypot(plain.at([k[0], 0, k[2], k[3]]), plain.at([k[0], 1, k[2], k[3]]));
  const squares = [0, 1].map((item) => {
    let total = 0;
    Plain.build([2, 1, 7, 8], (k) => {
      if (k[0] === item) total += (size(a, k) - size(b, k)) ** 2;
      return 0;
    });
    return total / 56;
  });
  await assertPlain(mse(x, y, { complexAbs: true }), new Plain([2], squares), "magnitudes", 1e-4);
  const own = [0, 1].map((item) => {
    const list = pairs(item), truth = list.map(([, v]) => v);
    const range = Math.max(...truth) - Math.min(...truth);
    return -10 * Math.log10(sum(list, ([u, v]) => (u - v) ** 2) / 112 / range ** 2 + 1e-8);
  });
  await assertPlain(psnr(x, y, { maxPixel: null, minPixel: null }), new Plain([2], own), "own range", 1e-4);
  const [first] = await ssim(x, y, { maxPixel: null }).data();
  const [top] = await y.max([1, 2, 3]).data();
  const [given] = await ssim(x, y, { maxPixel: top }).data();
  assert.ok(Math.abs(first - given) < 1e-5, `${first}, ${given}`);
});

onBothDevices("options that do not fit are refused, and nothing stays", async () => {
  using x = Tensor.ones([1, 3, 4, 4]);
  await assertNothingLeaks(() => {
    assert.throws(() => mse(x, x, { complexAbs: true }), /images must be complex: of shape \(B, 2, \.\.\.\)/);
    assert.throws(() => mse(x, x, { centerCrop: 5 }), /centerCrop must be whole numbers that leave 1 to 4/);
    assert.throws(() => mse(x, x, { centerCrop: -2 }), /centerCrop/);
    assert.throws(() => mse(x, x, { centerCrop: [] }), /centerCrop/);
    assert.throws(() => mae(x, x, { normInputs: "max" as "l2" }), /normInputs must be "min_max", "clip"/);
    assert.throws(() => snr(x, x, { reduction: "max" as "sum" }), /reduction must be "mean", "sum"/);
    assert.throws(() => l1l2(x, x, { alpha: 2 }), /alpha must be in \[0, 1\]/);
    assert.throws(() => lpNorm(x, x, { p: 0 }), /p must be finite and > 0/);
  });
});
