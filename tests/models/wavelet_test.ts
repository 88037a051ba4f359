import {
  WaveletDenoiser,
  type WaveletDenoiserOptions,
  WaveletDictDenoiser,
  type WaveletDictDenoiserOptions,
} from "../../src/models/mod.ts";
import { InvalidArgumentError, Tensor } from "../../src/tensor/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { Plain } from "../tensor/plain.ts";
import { FIXTURES, numbersIn, picture } from "./wavelet_fixtures.ts";
import assert from "node:assert/strict";

for (const { shape, options, threshold, output, dict } of FIXTURES.denoised) {
  onBothDevices(
    `wavelets ${JSON.stringify(options)} on (${shape}) at ${threshold} equal PyWavelets`,
    async () => {
      const denoiser = dict
        ? new WaveletDictDenoiser(options as WaveletDictDenoiserOptions)
        : new WaveletDenoiser(options as WaveletDenoiserOptions);
      using x = picture(shape);
      using expected = Tensor.from(numbersIn(output), shape);
      (await denoiser.forward(x, threshold)).dispose();
      await assertNothingLeaks(async () => {
        using y = await denoiser.forward(x, threshold);
        const difference = await largestDifference(y, expected);
        assert.ok(difference < 2e-5, `${difference}`);
      });
    },
  );
}

onBothDevices("a transform and its inverse give any image back, in every mode", async () => {
  for (const mode of ["zero", "constant", "symmetric", "reflect", "periodic"] as const) {
    for (const [wv, level] of [["db1", 1], ["db4", 4], ["db8", 2]] as const) {
      const denoiser = new WaveletDenoiser({ wv, level, mode });
      for (const shape of [[1, 1, 1, 1], [2, 3, 13, 32], [1, 1, 2, 31]]) {
        using x = Plain.random(shape).tensor();
        using y = await denoiser.forward(x, 0);
        assert.ok(await largestDifference(x, y) < 1e-5, `${mode} ${wv} ${shape}`);
      }
    }
  }
});

onBothDevices("items have their own thresholds, as if alone", async () => {
  for (const nonLinearity of ["soft", "hard", "topk"] as const) {
    for (const denoiser of [new WaveletDenoiser({ nonLinearity, wv: "db2" })]) {
      const levels = nonLinearity === "topk" ? [3, 20] : [0.1, 0.5];
      using x = Plain.random([2, 2, 14, 9]).tensor();
      using perItem = Tensor.from(levels);
      using together = await denoiser.forward(x, perItem);
      for (const [item, level] of levels.entries()) {
        using own = x.slice([[item, item + 1]]);
        using alone = await denoiser.forward(own, level);
        using part = together.slice([[item, item + 1]]);
        assert.equal(await largestDifference(alone, part), 0);
      }
    }
  }
});

onBothDevices("what wavelets cannot take is refused by name", async () => {
  const build = (options: object) => () => new WaveletDenoiser(options);
  assert.throws(build({ wv: "db9" }), /wv must be one of db1, db2, .*, db8, got db9/);
  assert.throws(build({ wv: "constructor" }), InvalidArgumentError);
  assert.throws(build({ level: 0 }), /level must be a whole number >= 1, got 0/);
  assert.throws(build({ nonLinearity: "firm" }), /nonLinearity must be one of soft, hard, topk/);
  assert.throws(build({ mode: "periodization" }), /mode must be one of zero/);
  assert.throws(build({ wvdim: 1 }), /wvdim must be one of 2, 3/);
  assert.throws(() => new WaveletDictDenoiser({ listWv: [] }), /at least one wavelet/);
  assert.throws(() => new WaveletDictDenoiser({ maxIter: 0 }), /maxIter must be/);
  using x = Tensor.ones([2, 1, 8, 8]);
  using wrong = Tensor.ones([8, 8]);
  using three = Tensor.ones([3]);
  using negative = Tensor.from([0.1, -1]);
  const denoiser = new WaveletDenoiser();
  (await denoiser.forward(x, 0.1)).dispose();
  await assertNothingLeaks(async () => {
    await assert.rejects(denoiser.forward(wrong, 0.1), /of shape \(B, C, H, W\)/);
    await assert.rejects(denoiser.forward(x, three), /one value per item \(2,\)/);
    for (const bad of [-1, NaN, Infinity, negative]) {
      await assert.rejects(denoiser.forward(x, bad), /threshold must be finite and >= 0/);
    }
  });
});
