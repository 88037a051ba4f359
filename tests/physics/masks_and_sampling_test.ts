import assert from "node:assert/strict";
import { downsamplingFilter } from "../../src/physics/downsampling_filters.ts";
import {
  Decolorize,
  DecomposablePhysics,
  Demosaicing,
  Denoising,
  Downsampling,
  GaussianNoise,
  Inpainting,
  type LinearPhysics,
  Tensor,
} from "../../src/physics/mod.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";

async function assertAdjoint(physics: LinearPhysics<Tensor>, x: Tensor, what: string): Promise<void> {
  const error = await physics.adjointnessTest(x, { seed: 5 });
  const scale = await x.norm().item() * Math.sqrt(x.numel);
  assert.ok(Math.abs(error) <= 1e-4 * scale, `${what}: dot test ${error} of ${scale}`);
}

/** Solves the proximal operator's normal equations exactly enough: their residual vanishes. */
async function assertProx(
  physics: LinearPhysics<Tensor>,
  x: Tensor,
  gamma: number,
  what: string,
): Promise<void> {
  const y = (await physics.A(x)).add(0.1);
  const z = x.mul(0.5);
  const solution = await physics.prox_l2(z, y, gamma);
  const left = (await physics.A_adjoint_A(solution)).add(solution.mul(1 / gamma));
  const right = (await physics.A_adjoint(y)).add(z.mul(1 / gamma));
  assert.ok(await largestDifference(left, right) <= 1e-4, what);
}

onBothDevices("masks, colour and sampling equal deepinv's", async () => {
  const x = image(1, 3, 16, 16);
  await assertGolden(downsamplingFilter("bicubic", 4), "kernel.bicubic4", 1e-5);
  await assertGolden(downsamplingFilter("bilinear", 4), "kernel.bilinear4", 1e-5);
  await assertGolden(downsamplingFilter("sinc", 4), "kernel.sinc4(len16)", 1e-5);
  for (const filter of ["bicubic", "bilinear", "gaussian", "sinc", null] as const) {
    const physics = new Downsampling({ imgSize: [3, 16, 16], filter, factor: 4 });
    const name = `Downsampling4.${filter ?? "None"}`;
    const y = await physics.A(x);
    await assertGolden(y, `${name}.A`, 1e-5);
    await assertGolden(await physics.A_adjoint(y), `${name}.AT`, 1e-5);
  }
  const half = new Downsampling({ imgSize: [3, 16, 16], filter: "bicubic", factor: 2 });
  await assertGolden(await half.A_dagger(await half.A(x)), "Downsampling2.bicubic.A_dagger(CG)", 1e-4);
  await assertGolden(
    await half.prox_l2(x, await half.A(x), 0.5),
    "Downsampling2.bicubic.prox_l2(gamma=.5,z=x)",
    1e-4,
  );
  const gray = new Decolorize();
  await assertGolden(await gray.A(x), "Decolorize.A", 1e-5);
  const y = image(1, 1, 16, 16);
  await assertGolden(await gray.A_adjoint(y), "Decolorize.AT", 1e-5);
  await assertGolden(await gray.A_dagger(y), "Decolorize.A_dagger", 1e-5);
  await assertGolden(await new Demosaicing({ imgSize: [3, 16, 16] }).A(x), "Demosaicing.A", 1e-5);
});

onBothDevices(
  "masks, colour and sampling have exact adjoints and proximal operators on any shape",
  async () => {
    for (const [batch, height, width] of [[1, 1, 1], [2, 7, 5], [3, 13, 1], [1, 16, 11]]) {
      const x = image(batch, 3, height, width);
      const imgSize = [3, height, width];
      const operators: [string, LinearPhysics<Tensor>][] = [
        ["Denoising", new Denoising()],
        ["Inpainting", new Inpainting({ imgSize, mask: 0.6, seed: 3 })],
        ["Inpainting by value", new Inpainting({ imgSize, mask: 0.6, pixelwise: false })],
        ["Inpainting with weights", new Inpainting({ imgSize, mask: image(1, 1, height, width) })],
        ["Demosaicing", new Demosaicing({ imgSize })],
        ["Decolorize", new Decolorize()],
        ["Decolorize flat", new Decolorize({ srf: "flat" })],
        ["Decolorize own", new Decolorize({ srf: [0.2, -1, 3] })],
      ];
      for (const factor of [1, 2, 3]) {
        operators.push([`Downsampling ${factor}`, new Downsampling({ imgSize, factor })]);
        for (const filter of ["bicubic", "gaussian"] as const) {
          operators.push([`${filter} ${factor}`, new Downsampling({ imgSize, filter, factor })]);
        }
      }
      for (const [name, physics] of operators) {
        await assertAdjoint(physics, x, name);
        if (physics instanceof DecomposablePhysics) await assertProx(physics, x, 0.7, name);
      }
    }
  },
);

onBothDevices("masks hide noise, pseudo-inverses invert what is seen, gamma may differ by item", async () => {
  const x = image(2, 3, 9, 8);
  const physics = new Inpainting({
    imgSize: [3, 9, 8],
    mask: 0.5,
    noiseModel: new GaussianNoise({ sigma: 1, seed: 1 }),
  });
  const y = await physics.forward(x);
  assert.equal(await largestDifference(y.mul(physics.mask), y), 0);
  assert.equal(await largestDifference(await physics.A_dagger(y), y), 0);
  const each = await physics.prox_l2(x, y, Tensor.from([0.5, 4]));
  for (const [item, gamma] of [0.5, 4].entries()) {
    const one = await physics.prox_l2(x.slice([[item, item + 1]]), y.slice([[item, item + 1]]), gamma);
    assert.ok(await largestDifference(each.slice([[item, item + 1]]), one) < 1e-6);
  }
});

onBothDevices("noiseModel null is no noise, and undefined the operator's own", async () => {
  const x = image(2, 3, 5, 4);
  for (
    const make of [
      (noiseModel?: null) => new Denoising({ noiseModel }),
      (noiseModel?: null) => new Decolorize({ noiseModel }),
      (noiseModel?: null) => new Inpainting({ imgSize: [3, 5, 4], mask: 0.5, noiseModel }),
    ]
  ) {
    const silent = make(null);
    assert.equal(silent.noiseModel, undefined);
    for (const physics of [silent, silent.clone()]) {
      assert.equal(await largestDifference(await physics.forward(x), await physics.A(x)), 0);
    }
  }
  assert.ok(new Denoising().noiseModel instanceof GaussianNoise);
  const hushed = new Denoising();
  hushed.setNoiseModel(null);
  assert.equal(hushed.clone().noiseModel, undefined);
});

onBothDevices("Decolorize: deepinvCompat drops what a gray image says nothing of", async () => {
  const z = image(2, 3, 5, 4), gamma = 0.7;
  const gray = new Decolorize(), compat = new Decolorize({ deepinvCompat: true });
  const y = await gray.A(image(2, 3, 5, 4).mul(2));
  const right = await gray.prox_l2(z, y, gamma), found = await compat.clone().prox_l2(z, y, gamma);
  const norm = Math.hypot(...gray.srf);
  const direction = Tensor.from(gray.srf.map((weight) => weight / norm), [1, 3, 1, 1]);
  const along = z.mul(direction).sum(1, { keepDims: true });
  const orthogonal = z.sub(along.mul(direction));
  assert.ok(await largestDifference(found, right.sub(orthogonal)) < 1e-6);
  assert.ok(await largestDifference(found, right) > 0.1);
  assert.equal(await largestDifference(await compat.A_dagger(y), await gray.A_dagger(y)), 0);
});

onBothDevices("wrong masks, filters and shapes are clear errors", async () => {
  assert.throws(() => new Inpainting({ imgSize: [1, 4, 4], mask: 1.5 }), /mask must be a probability/);
  assert.throws(
    () => new Inpainting({ imgSize: [1, 4, 4], mask: Tensor.ones([3, 4, 4]) }),
    /broadcasts to \(B, 1, 4, 4\)/,
  );
  assert.throws(() => new Demosaicing({ imgSize: [1, 4, 4] }), /imgSize must be \(3, H, W\)/);
  assert.throws(() => new Decolorize({ srf: [1, Number.NaN] }), /srf must be/);
  assert.throws(() => new Downsampling({ imgSize: [1, 4, 4], factor: 1.5 }), /factor must be/);
  assert.throws(() => new Downsampling({ imgSize: [1, 4, 4], filter: "box" as "sinc" }), /filter must be/);
  assert.throws(() => downsamplingFilter("box" as "sinc", 2), /name must be one of gaussian, bilinear/);
  for (const factor of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => downsamplingFilter("sinc", factor), /factor must be a whole number >= 1, got/);
  }
  assert.throws(() => downsamplingFilter("gaussian", 0), /sigma must be finite and > 0/);
  const physics = new Downsampling({ imgSize: [1, 4, 4] });
  await assert.rejects(physics.A(Tensor.ones([1, 1, 5, 4])), /of shape \(B, 1, 4, 4\), got \(1, 1, 5, 4\)/);
  await assert.rejects(new Decolorize().A(Tensor.ones([1, 2, 4, 4])), /of shape \(B, 3, H, W\)/);
});
