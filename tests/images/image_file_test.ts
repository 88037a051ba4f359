import {
  colourScene,
  deadLeaves,
  encodePng,
  FileError,
  plotCurves,
  PngError,
  readImage,
  sheppLogan,
  writeImage,
} from "../../src/images/mod.ts";
import { InvalidArgumentError, Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { assertPlain, Plain } from "../tensor/plain.ts";
import assert from "node:assert/strict";

/** A path in a folder that is removed at the end of the scope. */
async function temporaryFile(name: string): Promise<{ path: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  return {
    path: `${folder}/${name}`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

for (const [bitDepth, levels] of [[8, 255], [16, 65535]] as const) {
  onBothDevices(`an image with ${bitDepth} bits comes back as it was written`, async () => {
    await using file = await temporaryFile("image.png");
    for (const shape of [[1, 3, 5, 7], [1, 1, 1, 1], [3, 4, 2], [1, 6, 6], [4, 9]]) {
      const numel = shape.reduce((product, extent) => product * extent, 1);
      const values = Array.from({ length: numel }, (_, i) => ((i * 37) % (levels + 1)) / levels);
      using image = Tensor.from(values, shape);
      await writeImage(file.path, image, { bitDepth });
      using back = await readImage(file.path);
      const full = shape.length === 4 ? shape : shape.length === 3 ? [1, ...shape] : [1, 1, ...shape];
      await assertPlain(back, new Plain(full, values), `(${shape})`, 1e-7);
    }
  });
}

onBothDevices("values outside [0, 1] are clamped, NaN is refused", async () => {
  await using file = await temporaryFile("image.png");
  using image = Tensor.from([-1, 0.2, 1, 7], [1, 1, 2, 2]);
  await writeImage(file.path, image);
  using back = await readImage(file.path);
  await assertPlain(back, new Plain([1, 1, 2, 2], [0, 0.2, 1, 1]), "clamped", 1e-6);
  using spoiled = Tensor.from([0, NaN], [1, 1, 1, 2]);
  await assert.rejects(() => writeImage(file.path, spoiled), /NaN/);
});

onBothDevices("what is no image or no picture file is refused", async () => {
  await using file = await temporaryFile("image.png");
  for (const shape of [[2, 3, 4, 4], [1, 2, 4, 4], [4], [1, 3, 0, 4], [1, 1, 3, 4, 4]]) {
    using image = Tensor.zeros(shape);
    await assert.rejects(() => writeImage(file.path, image), InvalidArgumentError, `(${shape})`);
  }
  await assert.rejects(() => readImage(file.path), FileError);
  await Deno.writeTextFile(file.path, "not a picture");
  await assert.rejects(() => readImage(file.path), PngError);
  using image = Tensor.zeros([1, 1, 2, 2]);
  await assert.rejects(() => writeImage(`${file.path}/inside`, image), FileError);
});

onBothDevices("an image of any kind arrives on the device that was asked for", async () => {
  await using file = await temporaryFile("image.png");
  await Deno.writeFile(
    file.path,
    encodePng({ data: new Float32Array(6).fill(0.5), channels: 1, height: 2, width: 3 }),
  );
  using here = Tensor.zeros([1]);
  using image = await readImage(new URL(`file://${file.path}`), here);
  assert.equal(image.device, here.device);
  assert.deepEqual(image.shape, [1, 1, 2, 3]);
});

onBothDevices("generated pictures have their size, lie in [0, 1], and repeat for a seed", async () => {
  for (const make of [colourScene, deadLeaves]) {
    using picture = make({ size: [33, 20], seed: 2 });
    assert.deepEqual(picture.shape, [1, 3, 33, 20]);
    const values = await picture.data();
    assert.ok(values.every((value) => value >= 0 && value <= 1));
    assert.ok(new Set(values).size > 20);
    using again = make({ size: [33, 20], seed: 2 });
    assert.deepEqual(await again.data(), values);
    using other = make({ size: [33, 20], seed: 3 });
    assert.notDeepEqual(await other.data(), values);
    assert.throws(() => make({ size: 0 }), InvalidArgumentError);
  }
  using phantom = sheppLogan(32);
  assert.deepEqual(phantom.shape, [1, 1, 32, 32]);
  using volume = sheppLogan(9, { dims: 3 });
  assert.deepEqual(volume.shape, [1, 1, 9, 9, 9]);
  assert.throws(() => sheppLogan(9, { dims: 4 as 3 }), /dims must be 2 or 3, got 4/);
  const values = await phantom.data();
  assert.ok(Math.max(...values) === 1 && Math.min(...values) >= 0);
});

Deno.test("plotCurves writes a chart", async () => {
  await using file = await temporaryFile("chart.svg");
  await plotCurves([{ name: "residual", values: [1, 0.5, 0.25] }], { path: file.path });
  assert.match(await Deno.readTextFile(file.path), /^<svg|<\?xml[\s\S]*residual/);
});
