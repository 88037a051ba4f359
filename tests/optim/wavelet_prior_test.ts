import { WaveletDenoiser, WaveletDictDenoiser } from "../../src/models/mod.ts";
import { WaveletPrior } from "../../src/optim/wavelet_prior.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { FIXTURES, numbersIn, picture } from "../models/wavelet_fixtures.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import assert from "node:assert/strict";

onBothDevices("WaveletPrior's value is the sum of the bands' norms, as PyWavelets has them", async () => {
  for (const { shape, wv, level, ...values } of FIXTURES.norms) {
    using x = picture(shape);
    for (const p of [0, 1, Infinity] as const) {
      const prior = new WaveletPrior({ p, level, wv: wv.length === 1 ? wv[0] : wv });
      (await prior.fn(x)).dispose();
      await assertNothingLeaks(async () => {
        using value = await prior.fn(x);
        assert.deepEqual(value.shape, [shape[0]]);
        const expected = numbersIn(values[p === Infinity ? "inf" : p === 1 ? "1" : "0"]);
        const got = await value.data();
        // a coefficient that is 0 but for rounding counts or not
        const tolerance = p === 0 ? 0.02 : 1e-5;
        expected.forEach((want, b) =>
          assert.ok(Math.abs(got[b] - want) <= tolerance * want, `p ${p}: ${got[b]}, ${want}`)
        );
      });
    }
  }
});

onBothDevices("WaveletPrior's prox is the wavelet denoiser at ths gamma, clamped where asked", async () => {
  using x = picture([2, 1, 16, 17]);
  for (const [p, nonLinearity] of [[0, "hard"], [1, "soft"], [Infinity, "topk"]] as const) {
    using expected = await new WaveletDenoiser({ nonLinearity, wv: "db4" }).forward(x, 0.1 * 0.5);
    using byDefault = await new WaveletPrior({ p, wv: "db4" }).prox(x, undefined, 0.5);
    using own = await new WaveletPrior({ p, wv: "db4", ths: 1 }).prox(x, undefined, 0.05);
    assert.ok(await largestDifference(byDefault, expected) < 1e-6);
    assert.ok(await largestDifference(own, expected) < 1e-6);
    using clamped = await new WaveletPrior({ p, wv: "db4", clampMin: 0.2, clampMax: 0.6 }).prox(
      x,
      undefined,
      0.5,
    );
    using wanted = expected.clamp(0.2, 0.6);
    assert.ok(await largestDifference(clamped, wanted) < 1e-6);
  }
  using many = await new WaveletPrior({ wv: ["db2", "db3"] }).prox(x, undefined, 2);
  using same = await new WaveletDictDenoiser({ listWv: ["db2", "db3"] }).forward(x, 0.2);
  assert.equal(await largestDifference(many, same), 0);
  assert.throws(() => new WaveletPrior({ p: 2 }), /p must be 0, 1 or Infinity, got 2/);
  assert.throws(() => new WaveletPrior({ ths: 0 }), /ths must be finite and > 0/);
  assert.throws(() => new WaveletPrior({ clampMin: 1, clampMax: 0 }), /clampMin must be at most clampMax/);
  assert.throws(() => new WaveletPrior({ wv: "haar" }), /wv must be one of db1/);
});
