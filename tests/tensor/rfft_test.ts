import assert from "node:assert/strict";
import { fft, irfft, rfft, Tensor, toComplex } from "../../src/tensor/mod.ts";
import { randomValues } from "../compute/oracle.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "./leaks.ts";

/** ||actual - expected|| / ||expected|| for the half spectra of rows, by the definition in float64. */
async function spectrumError(
  actual: Tensor,
  rows: Float32Array,
  batch: number,
  length: number,
): Promise<number> {
  const half = Math.floor(length / 2) + 1, values = await actual.data();
  let [error, norm] = [0, 0];
  for (let b = 0; b < batch; b++) {
    for (let k = 0; k < half; k++) {
      let [re, im] = [0, 0];
      for (let n = 0; n < length; n++) {
        const angle = -2 * Math.PI * (n * k % length) / length;
        re += rows[b * length + n] * Math.cos(angle);
        im += rows[b * length + n] * Math.sin(angle);
      }
      error += (values[2 * b * half + k] - re) ** 2 + (values[(2 * b + 1) * half + k] - im) ** 2;
      norm += re * re + im * im;
    }
  }
  return Math.sqrt(error / norm);
}

onBothDevices(
  "rfft follows the definition for lengths 1 to 70, primes and large powers, and irfft undoes it",
  async () => {
    const lengths = [...Array.from({ length: 70 }, (_, k) => k + 1), 97, 251, 509, 512, 1000, 2048];
    for (const length of lengths) {
      const batch = 1 + length % 3, rows = randomValues(batch * length, length);
      using x = Tensor.from(rows, [batch, length]);
      using spectrum = rfft(x, [-1]);
      assert.deepEqual(spectrum.shape, [batch, 2, Math.floor(length / 2) + 1]);
      const error = await spectrumError(spectrum, rows, batch, length);
      assert.ok(error < 1e-6, `length ${length}: ${error}`);
      using back = irfft(spectrum, [-1], { length });
      assert.ok(await largestDifference(back, x) < 2e-6, `inverse, length ${length}`);
    }
  },
);

onBothDevices(
  "rfft over several dimensions is half of fft, and irfft its inverse, under every norm",
  async () => {
    for (
      const [shape, dims] of [
        [[2, 3, 8, 6], [-2, -1]],
        [[1, 2, 7, 10], [2, 3]],
        [[2, 1, 4, 9], [-1, -2]],
        [[1, 5, 6, 4], [1, 2, 3]],
        [[3, 6, 5], [1]],
        [[2, 4, 3, 8], [3, 1, 2]],
        [[1, 3, 1, 1], [2, 3]],
      ] as const
    ) {
      using x = Tensor.randn(shape, { seed: 4 });
      using complex = toComplex(x);
      for (const norm of ["backward", "ortho", "forward"] as const) {
        const resolved = dims.map((dim) => dim < 0 ? dim + shape.length : dim), last = resolved.at(-1)!;
        using whole = fft(complex, resolved.map((dim) => dim + 1), { norm });
        const half = Math.floor(shape[last] / 2) + 1;
        using expected = whole.slice([...new Array<null>(last + 1).fill(null), [0, half]]);
        using actual = rfft(x, dims, { norm });
        assert.ok(await largestDifference(actual, expected) < 2e-5, `${shape} over ${dims}, ${norm}`);
        using back = irfft(actual, dims, { norm, length: shape[last] });
        assert.deepEqual(back.shape, shape);
        assert.ok(await largestDifference(back, x) < 5e-6, `${shape} over ${dims}, ${norm}: and back`);
      }
    }
  },
);

onBothDevices("irfft ignores imaginary parts that no real signal has", async () => {
  for (const length of [1, 2, 6, 7]) {
    const half = Math.floor(length / 2) + 1;
    using spectrum = Tensor.randn([2, 2, half], { seed: 3 });
    const values = await spectrum.data();
    const clean = values.slice();
    for (const b of [0, 1]) {
      clean[(2 * b + 1) * half] = 0;
      if (length % 2 === 0) clean[(2 * b + 1) * half + half - 1] = 0;
    }
    using expected = irfft(Tensor.from(clean, [2, 2, half]), [1], { length });
    using actual = irfft(spectrum, [1], { length });
    assert.ok(await largestDifference(actual, expected) < 1e-6, `length ${length}`);
  }
  using spectrum = Tensor.randn([1, 2, 5], { seed: 3 });
  assert.deepEqual(irfft(spectrum, [-1]).shape, [1, 8]);
});

onBothDevices("rfft and irfft free what they make and say what is wrong", async () => {
  using x = Tensor.randn([2, 3, 8, 10], { seed: 1 });
  using odd = Tensor.randn([2, 3, 4, 9], { seed: 1 });
  const exercise = () => {
    for (const signal of [x, odd]) {
      using spectrum = rfft(signal, [-2, -1]);
      irfft(spectrum, [-2, -1], { length: signal.shape[3] }).dispose();
    }
  };
  exercise();
  await assertNothingLeaks(exercise);
  assert.throws(() => rfft(x, []), /dims must be one or more different dimensions behind the first of 4/);
  assert.throws(() => rfft(x, [0]), /dims must be/);
  assert.throws(() => rfft(x, [1, 1]), /dims must be/);
  assert.throws(() => irfft(x, [-1]), /spectrum must be of shape \(B, 2, \.\.\.\)/);
  using spectrum = rfft(x, [-1]);
  assert.throws(() => irfft(spectrum, [-1], { length: 12 }), /options.length must be 10 or 11/);
  assert.throws(() => rfft(x, [-1], { norm: "none" as "ortho" }), /norm must be/);
});
