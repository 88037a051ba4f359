import { InvalidArgumentError, type Range, Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "./leaks.ts";
import { assertPlain, indicesOf, Plain } from "./plain.ts";
import assert from "node:assert/strict";

const SHAPE = [2, 3, 4, 5];

onBothDevices("reshape keeps the order, infers one extent and shares memory", async () => {
  const a = Plain.random([2, 3, 4]);
  using x = a.tensor();
  for (
    const [wanted, shape] of [[[6, 4], [6, 4]], [[-1], [24]], [[4, -1, 1], [4, 6, 1]], [[2, 12], [2, 12]]]
  ) {
    using view = x.reshape(wanted);
    await assertPlain(view, new Plain(shape, a.values), `reshape to (${wanted})`);
  }
  using scalar = Tensor.ones([1]).reshape([]);
  assert.equal(await scalar.item(), 1);
  using empty = Tensor.zeros([0, 3]).reshape([3, 0, 2]);
  assert.deepEqual(empty.shape, [3, 0, 2]);
  for (const wrong of [[5, 5], [-1, -1], [-1, 5], [24, -2], [1.5, 16]]) {
    assert.throws(() => x.reshape(wrong), InvalidArgumentError);
  }
  using shared = x.reshape([24]);
  shared.writeSlice(Tensor.from([7]), [0]);
  assert.equal((await x.data())[0], 7);
});

onBothDevices("permute in every order", async () => {
  const a = Plain.random(SHAPE);
  using x = a.tensor();
  for (const order of permutations([0, 1, 2, 3])) {
    using y = x.permute(order);
    const source = (index: readonly number[]) => a.at([0, 1, 2, 3].map((d) => index[order.indexOf(d)]));
    await assertPlain(y, Plain.build(order.map((d) => SHAPE[d]), source), `permute (${order})`);
  }
  using negative = x.permute([-1, 0, 1, 2]);
  assert.deepEqual(negative.shape, [5, 2, 3, 4]);
  for (const wrong of [[0, 1, 2], [0, 0, 1, 2], [0, 1, 2, 4], [0, 1, 2, -1, 3]]) {
    assert.throws(() => x.permute(wrong), InvalidArgumentError);
  }
});

onBothDevices("slice as NumPy's positive steps", async () => {
  const a = Plain.random([6, 7]);
  using x = a.tensor();
  const cases: Range[][] = [
    [[1, 4]],
    [null, [2, null]],
    [[-3], [-5, -1]],
    [[0, 6, 2], [1, null, 3]],
    [[-100, 100], [4, 2]],
    [[6], null],
    [[5, 6], [6, 7]],
    [],
  ];
  for (const ranges of cases) {
    using y = x.slice(ranges);
    const [rows, columns] = [6, 7].map((extent, d) => positionsOf(ranges[d] ?? null, extent));
    const expected = Plain.build([rows.length, columns.length], ([i, j]) => a.at([rows[i], columns[j]]));
    await assertPlain(y, expected, `slice ${JSON.stringify(ranges)}`);
  }
  for (const wrong of [[[0, 6, 0]], [[0, 6, -1]], [[0.5]], [null, null, null]] as Range[][]) {
    assert.throws(() => x.slice(wrong), InvalidArgumentError);
  }
});

onBothDevices("flip any dimensions", async () => {
  const a = Plain.random(SHAPE);
  using x = a.tensor();
  for (const dims of [[0], [3], [1, 2], [0, 1, 2, 3], [-1, 3], []]) {
    using y = x.flip(dims);
    const flipped = new Set(dims.map((d) => (d + 4) % 4));
    const source = (index: readonly number[]) =>
      a.at(index.map((i, d) => (flipped.has(d) ? SHAPE[d] - 1 - i : i)));
    await assertPlain(y, Plain.build(SHAPE, source), `flip (${dims})`);
  }
  using empty = Tensor.zeros([0, 2]).flip(0);
  assert.equal(empty.numel, 0);
  assert.throws(() => x.flip(4), InvalidArgumentError);
});

onBothDevices("roll by any amount", async () => {
  const a = Plain.random([3, 5]);
  using x = a.tensor();
  for (const shift of [0, 1, -1, 4, 5, 7, -13]) {
    for (const dim of [0, 1, -1]) {
      using y = x.roll(shift, dim);
      const axis = dim < 0 ? dim + 2 : dim, extent = [3, 5][axis];
      const source = (index: readonly number[]) =>
        a.at(index.map((i, d) => (d === axis ? (((i - shift) % extent) + extent) % extent : i)));
      await assertPlain(y, Plain.build([3, 5], source), `roll ${shift} along ${dim}`);
    }
  }
  using empty = Tensor.zeros([0, 2]).roll(3, 0);
  assert.deepEqual(empty.shape, [0, 2]);
  assert.throws(() => x.roll(0.5, 0), InvalidArgumentError);
});

onBothDevices("cat and stack along every dimension", async () => {
  const parts = [2, 0, 3].map((extent, k) => Plain.random([3, extent, 2], k + 1));
  const tensors = parts.map((part) => part.tensor());
  using joined = Tensor.cat(tensors, 1);
  const expected = Plain.build(
    [3, 5, 2],
    ([i, j, k]) => (j < 2 ? parts[0].at([i, j, k]) : parts[2].at([i, j - 2, k])),
  );
  await assertPlain(joined, expected, "cat");
  const same = [1, 2, 3].map((seed) => Plain.random([2, 4], seed));
  for (const dim of [0, 1, 2, -1]) {
    using stacked = Tensor.stack(same.map((plain) => plain.tensor()), dim);
    const axis = dim < 0 ? 2 : dim;
    const source = (index: readonly number[]) => same[index[axis]].at(index.filter((_, d) => d !== axis));
    await assertPlain(stacked, Plain.build([2, 4].toSpliced(axis, 0, 3), source), `stack along ${dim}`);
  }
  assert.throws(() => Tensor.cat([]), /a list of at least one/);
  assert.throws(() => Tensor.stack([]), /a list of at least one/);
  assert.throws(() => Tensor.cat(tensors, 0), /equal in every dimension but 0/);
  assert.throws(() => Tensor.stack(tensors), /must be equal, got \(3, 2, 2\) and \(3, 0, 2\)/);
});

onBothDevices("expand repeats, writeSlice overwrites a box", async () => {
  const a = Plain.random([3, 1]);
  using x = a.tensor();
  using wide = x.expand([2, 3, 4]);
  await assertPlain(wide, Plain.build([2, 3, 4], (index) => a.at(index)), "expand");
  for (const wrong of [[4, 3], [3], [3, -1]]) assert.throws(() => x.expand(wrong), InvalidArgumentError);

  const target = Plain.random([4, 5], 1), part = Plain.random([2, 3], 2);
  using y = target.tensor();
  using box = part.tensor();
  y.writeSlice(box, [1, 2]);
  const inside = ([i, j]: readonly number[]) => i >= 1 && i < 3 && j >= 2;
  const source = (
    [i, j]: readonly number[],
  ) => (inside([i, j]) ? part.at([i - 1, j - 2]) : target.at([i, j]));
  await assertPlain(y, Plain.build([4, 5], source), "writeSlice");
  for (const begin of [[3, 0], [-1, 0], [0.5, 0], [0]]) {
    assert.throws(() => y.writeSlice(box, begin), /inside \(4, 5\)/);
  }
  using view = y.reshape([4, 5]);
  assert.throws(() => y.writeSlice(view, [0, 0]), /other memory/);
});

onBothDevices("what is refused leaves nothing behind", async () => {
  using x = Tensor.ones([2, 3]);
  using turned = x.reshape([3, 2]);
  await assertNothingLeaks(() => {
    assert.throws(() => Tensor.cat([x, turned]));
    assert.throws(() => x.expand([2, 4]));
    assert.throws(() => x.permute([0, 0]));
    assert.throws(() => Tensor.from([[1, 2], [3]]));
    assert.throws(() => Tensor.zeros([2, -1]));
  });
});

function positionsOf(range: Range, extent: number): number[] {
  const [first, last, step = 1] = range ?? [0];
  const resolve = (position: number) =>
    Math.min(extent, Math.max(0, position < 0 ? position + extent : position));
  const stop = resolve(last ?? extent);
  return indicesOf([extent]).flat().filter((i) =>
    i >= resolve(first) && i < stop && (i - resolve(first)) % step === 0
  );
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((p) => [item, ...p])
  );
}
