import { InvalidArgumentError, type PaddingMode, Tensor } from "../../src/tensor/mod.ts";
import { paddingTables } from "../../src/tensor/ops/pad.ts";
import { onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "./plain.ts";
import assert from "node:assert/strict";

/** Where a padded position reads, found by walking from sample to sample; -1 for a zero. */
function sourceOf(position: number, length: number, mode: PaddingMode): number {
  let at = 0, direction = 1;
  switch (mode) {
    case "constant":
      return position >= 0 && position < length ? position : -1;
    case "replicate":
      return Math.max(0, Math.min(length - 1, position));
    case "circular":
      for (let k = 0; k < Math.abs(position); k++) at = (at + (position > 0 ? 1 : length - 1)) % length;
      return at;
    case "reflect":
      for (let k = 0; k < Math.abs(position); k++) {
        if (at + direction < 0 || at + direction >= length) direction = -direction;
        at += direction;
      }
      return at;
  }
}

const AMOUNTS: readonly [[number, number], [number, number]][] = [
  [[1, 2], [3, 0]],
  [[0, 0], [2, 2]],
  [[4, 4], [6, 6]],
  [[0, 0], [0, 0]],
];

onBothDevices("pad in every mode equals the continued image", async () => {
  const a = Plain.random([2, 5, 7]);
  using x = a.tensor();
  for (const mode of ["constant", "circular", "reflect", "replicate"] as const) {
    for (const amounts of AMOUNTS) {
      using y = x.pad(amounts, mode);
      await assertPlain(y, padded(a, amounts, mode), `${mode} by ${JSON.stringify(amounts)}`);
    }
  }
});

onBothDevices("a period, the border sample and zeros continue without end", async () => {
  const amounts: [[number, number], [number, number]] = [[7, 11], [16, 1]];
  for (const shape of [[1, 3, 5], [2, 1, 1]]) {
    const a = Plain.random(shape);
    using x = a.tensor();
    for (const mode of ["constant", "circular", "replicate"] as const) {
      using y = x.pad(amounts, mode);
      await assertPlain(y, padded(a, amounts, mode), `${mode} of (${shape})`);
    }
  }
});

function padded(a: Plain, [rows, columns]: readonly (readonly [number, number])[], mode: PaddingMode): Plain {
  const [channels, height, width] = a.shape;
  const shape = [channels, height + rows[0] + rows[1], width + columns[0] + columns[1]];
  return Plain.build(shape, ([c, i, j]) => {
    const row = sourceOf(i - rows[0], height, mode), column = sourceOf(j - columns[0], width, mode);
    return row < 0 || column < 0 ? 0 : a.at([c, row, column]);
  });
}

onBothDevices("folding back is the adjoint of padding", async () => {
  using x = Plain.random([2, 4, 6], 1).tensor();
  for (const mode of ["constant", "circular", "reflect", "replicate"] as const) {
    const amounts = [{ dim: 1, before: 3, after: 1 }, { dim: 2, before: 2, after: 5 }];
    const { pad, fold } = paddingTables(x.shape, amounts, mode);
    using y = x.applyTables(pad);
    using v = Plain.random(y.shape, 2).tensor();
    using back = v.applyTables(fold);
    const difference = await y.dot(v).item() - await x.dot(back).item();
    assert.ok(Math.abs(difference) < 1e-5, `${mode}: ${difference}`);
  }
});

onBothDevices("paddings that make no sense are refused", async () => {
  using x = Tensor.ones([3, 4]);
  assert.throws(() => x.pad([[0, 4]], "reflect"), /whole numbers in \[0, 3\] for an axis of 4/);
  assert.throws(() => x.pad([[-1, 0]]), InvalidArgumentError);
  assert.throws(() => x.pad([[0.5, 0]], "circular"), InvalidArgumentError);
  assert.throws(() => x.pad([[0, 0], [0, 0], [1, 1]]), /at most 2 dimensions/);
  assert.throws(() => x.pad([[1, 1]], "mirror" as PaddingMode), /"constant", "circular"/);
  using empty = Tensor.zeros([2, 0]);
  for (const mode of ["circular", "reflect", "replicate"] as const) {
    assert.throws(() => empty.pad([[1, 0]], mode), InvalidArgumentError);
  }
  using zeros = empty.pad([[1, 2]]);
  await assertPlain(zeros, Plain.build([2, 3], () => 0), "zeros around nothing");
});
