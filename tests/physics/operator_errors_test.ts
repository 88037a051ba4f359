import {
  BlurFFT,
  CompressedSensing,
  Decolorize,
  Demosaicing,
  Downsampling,
  gaussianBlur,
  Inpainting,
  InvalidArgumentError,
  MRI,
  MultiCoilMRI,
  RadioInterferometry,
  SinglePixelCamera,
  Tensor,
  Tomography,
} from "../../src/physics/mod.ts";
import { onBothDevices } from "../golden.ts";
import assert from "node:assert/strict";

const sizes: readonly unknown[] = [undefined, [8, 8, 8, 8, 8], [1, 0, 8], [1, 8.5, 8], [1, -8, 8]];

onBothDevices("operators refuse sizes that are not of images", () => {
  const builds: readonly ((imgSize: readonly number[]) => unknown)[] = [
    (imgSize) => new Inpainting({ imgSize, mask: 0.5 }),
    (imgSize) => new Demosaicing({ imgSize }),
    (imgSize) => new Downsampling({ imgSize }),
    (imgSize) => new BlurFFT({ imgSize, filter: gaussianBlur({ sigma: 1 }) }),
    (imgSize) => new SinglePixelCamera({ imgSize, m: 1 }),
    (imgSize) => new CompressedSensing({ imgSize, m: 1 }),
    (imgSize) => new RadioInterferometry({ imgSize, samplesLoc: Tensor.ones([2, 3]) }),
  ];
  for (const build of builds) {
    for (const size of sizes) assert.throws(() => build(size as number[]), /imgSize must be/, String(size));
  }
  assert.throws(
    () => new Downsampling({ imgSize: [1, 8, 8], padding: "valid" as "circular" }),
    /padding must be one of/,
  );
  assert.throws(() => new Tomography({ imgWidth: 8 } as never), /angles must be/);
  assert.throws(() => gaussianBlur({ sigma: 1, angle: NaN }), /angle must be finite/);
  assert.throws(() => gaussianBlur({} as never), /sigma must be/);
});

onBothDevices("masks do not broadcast images of another size", async () => {
  const inpainting = new Inpainting({ imgSize: [3, 8, 8], mask: Tensor.ones([1, 3, 8, 8]) });
  for (const shape of [[1, 1, 8, 8], [3, 8, 8], [1, 3, 8, 1], [1, 1, 1, 1], [8, 8]]) {
    using x = Tensor.zeros(shape);
    await assert.rejects(inpainting.A(x), /the image must be of shape \(B, 3, 8, 8\)/);
    await assert.rejects(inpainting.forward(x), InvalidArgumentError);
    await assert.rejects(inpainting.A_adjoint(x), /y must be of shape \(B, 3, 8, 8\)/);
    await assert.rejects(inpainting.A_dagger(x), InvalidArgumentError);
    await assert.rejects(inpainting.prox_l2(0, x, 1), InvalidArgumentError);
  }
  await assert.rejects(new Decolorize().A_adjoint(Tensor.zeros([1, 3, 8, 8])), /of shape \(B, 1, H, W\)/);
});

onBothDevices("parameters of several items do not broadcast one image", async () => {
  const filter = Tensor.ones([3, 1, 3, 3]);
  const operators = [
    { physics: new Inpainting({ imgSize: [2, 4, 4], mask: Tensor.ones([3, 2, 4, 4]) }), shape: [2, 4, 4] },
    { physics: new MRI({ mask: Tensor.ones([3, 1, 4, 4]) }), shape: [2, 4, 4] },
    { physics: new BlurFFT({ imgSize: [2, 4, 4], filter }), shape: [2, 4, 4] },
    {
      physics: new MultiCoilMRI({ mask: Tensor.ones([4, 4]), coilMaps: Tensor.ones([3, 2, 4, 4, 2]) }),
      shape: [2, 4, 4],
    },
  ];
  for (const { physics, shape } of operators) {
    using items = Tensor.ones([3, ...shape]);
    using y = await physics.A(items);
    using back = await physics.A_adjoint(y);
    assert.deepEqual(back.shape, items.shape);
    await assert.rejects(
      physics.A(Tensor.ones([1, ...shape])),
      InvalidArgumentError,
      physics.constructor.name,
    );
    using first = y.slice([[0, 1]]);
    await assert.rejects(physics.A_adjoint(first), InvalidArgumentError, physics.constructor.name);
  }
});
