import assert from "node:assert/strict";
import { deadLeaves, plot, readImage } from "../../src/images/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";

async function plotted(tensors: Parameters<typeof plot>[0], options: object = {}): Promise<Tensor> {
  const path = await Deno.makeTempFile({ suffix: ".png" });
  try {
    await plot(tensors, { path, ...options });
    return await readImage(path);
  } finally {
    await Deno.remove(path);
  }
}

onBothDevices("plot puts a column per tensor and a row per batch item on a white sheet", async () => {
  using picture = deadLeaves({ size: [200, 300], seed: 1 });
  using both = Tensor.stack([picture.reshape([3, 200, 300]), picture.reshape([3, 200, 300])]);
  using sheet = await plotted([both, picture, picture], { rescale: "clip" });
  assert.deepEqual(sheet.shape, [1, 3, 8 + 2 * 208, 8 + 3 * 308]);
  using shown = sheet.slice([[0, 1], [0, 3], [8, 208], [8, 308]]);
  using difference = shown.sub(picture);
  using worst = difference.abs().max();
  assert.ok(await worst.item() < 1 / 255, "the picture itself, to 8 bits");
  using empty = sheet.slice([[0, 1], [0, 3], [216, 416], [316, 616]]);
  using darkest = empty.min();
  assert.equal(await darkest.item(), 1, "where a tensor has no second item the sheet stays white");
});

onBothDevices("plot stretches values, shows magnitudes and middle slices, and writes titles", async () => {
  using wave = Tensor.from([-3, 1, 5, NaN], [1, 1, 1, 2, 2]);
  using sheet = await plotted({ wave }, {});
  assert.deepEqual(sheet.shape, [1, 3, 8 + 22 + 192 + 8, 8 + 192 + 8], "small images are enlarged");
  const value = async (row: number, column: number) => {
    using pixel = sheet.slice([[0, 1], [0, 1], [row, row + 1], [column, column + 1]]);
    return await pixel.item();
  };
  const corners = [await value(31, 9), await value(31, 198), await value(220, 9)];
  corners.forEach((corner, i) => assert.ok(Math.abs(corner - i / 2) < 1 / 255, `${corner} for ${i / 2}`));
  using band = sheet.slice([[0, 1], [0, 1], [8, 22], [8, 200]]);
  using ink = band.min();
  assert.ok(await ink.item() < 0.2, "a title is there");
  using complex = Tensor.from([3, 0, 4, 1], [1, 2, 1, 2]);
  using magnitude = await plotted([complex]);
  assert.equal(magnitude.shape[2], 8 + 96 + 8);
});

onBothDevices("plot refuses what it cannot show", async () => {
  using image = Tensor.zeros([1, 1, 4, 4]);
  using four = Tensor.zeros([1, 4, 4, 4]);
  await assert.rejects(plotted([]), /Cannot plot tensors: tensors must be one tensor at least/);
  await assert.rejects(plotted([four]), /shape of tensor 0 must be .*C = 1, 2 or 3/);
  await assert.rejects(plotted([image], { titles: ["a", "b"] }), /options\.titles must be 1 titles, got 2/);
  await assert.rejects(plotted([image], { maxImgs: 0 }), /options\.maxImgs/);
  await assert.rejects(plot([image], { path: "x.jpg" }), /the name of a \.png file, got x\.jpg/);
});
