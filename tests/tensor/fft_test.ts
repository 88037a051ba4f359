import assert from "node:assert/strict";
import { fft, fftCentred, ifft, ifftCentred } from "../../src/tensor/fft.ts";
import { imaginaryPart, InvalidArgumentError, realPart, Tensor, toComplex } from "../../src/tensor/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";

/** sum_n x[n] exp(-2 pi i n k / N) over the last two dimensions of (1, 2, H, W), in float64. */
function reference2d(x: Float32Array, height: number, width: number): Float32Array {
  const plane = height * width;
  const result = new Float32Array(2 * plane);
  for (let k = 0; k < plane; k++) {
    let re = 0;
    let im = 0;
    for (let n = 0; n < plane; n++) {
      const rows = Math.floor(n / width) * Math.floor(k / width) / height;
      const angle = -2 * Math.PI * (rows + (n % width) * (k % width) / width);
      re += x[n] * Math.cos(angle) - x[n + plane] * Math.sin(angle);
      im += x[n] * Math.sin(angle) + x[n + plane] * Math.cos(angle);
    }
    result[k] = re;
    result[k + plane] = im;
  }
  return result;
}

onBothDevices("fft over two dimensions", async () => {
  for (const [height, width] of [[6, 8], [7, 1], [1, 5], [11, 17]]) {
    using x = Tensor.randn([1, 2, height, width], { seed: 4 });
    using actual = fft(x, [-2, -1]);
    using expected = Tensor.from(reference2d(await x.data(), height, width), x.shape);
    assert.ok(await largestDifference(actual, expected) < 2e-5, `${height} x ${width}`);
  }
});

onBothDevices("fft: the order of dimensions does not matter, and any of them may be left out", async () => {
  using x = Tensor.randn([2, 2, 4, 3, 5], { seed: 5 });
  using all = fft(x, [2, 3, 4]);
  using inner = fft(x, [-1]);
  using stepwise = fft(inner, [3, 2]);
  assert.ok(await largestDifference(all, stepwise) < 1e-5);
});

onBothDevices("ifft undoes fft in every norm", async () => {
  using x = Tensor.randn([2, 2, 5, 12], { seed: 6 });
  for (const norm of ["backward", "forward", "ortho"] as const) {
    using spectrum = fft(x, [-2, -1], { norm });
    using back = ifft(spectrum, [-2, -1], { norm });
    using same = fft(spectrum, [-2, -1], { norm, inverse: true });
    assert.ok(await largestDifference(back, x) < 1e-5, norm);
    assert.equal(await largestDifference(back, same), 0);
  }
  using unitary = fft(x, [-2, -1], { norm: "ortho" });
  assert.ok(Math.abs(await unitary.norm().item() - await x.norm().item()) < 1e-4);
});

onBothDevices("fftCentred is fftshift(fft(ifftshift(x))) in two and three dimensions", async () => {
  for (const [shape, dims] of [[[2, 2, 5, 8], [-2, -1]], [[1, 2, 4, 3, 7], [-3, -2, -1]]]) {
    using x = Tensor.randn(shape, { seed: 7 });
    const shifted = (tensor: Tensor, sign: 1 | -1) =>
      dims.reduce((rolled, dim) => {
        const half = Math.floor(shape.at(dim)! / 2);
        return rolled.roll(sign * half, dim);
      }, tensor);
    using expected = shifted(fft(shifted(x, -1), dims, { norm: "ortho" }), 1);
    using actual = fftCentred(x, dims);
    assert.ok(await largestDifference(actual, expected) < 1e-5);
    using back = ifftCentred(actual, dims);
    assert.ok(await largestDifference(back, x) < 1e-5);
  }
});

onBothDevices("ifftCentred is the adjoint of fftCentred", async () => {
  using x = Tensor.randn([1, 2, 9, 10], { seed: 8 });
  using y = Tensor.randn([1, 2, 9, 10], { seed: 9 });
  using forward = fftCentred(x);
  using backward = ifftCentred(y);
  const [left, right] = [await forward.dot(y).item(), await x.dot(backward).item()];
  assert.ok(Math.abs(left - right) < 1e-4);
});

onBothDevices("fft: empty tensors stay empty", async () => {
  using x = Tensor.zeros([0, 2, 4, 4]);
  using spectrum = fft(x, [-1]);
  assert.deepEqual([...spectrum.shape], [0, 2, 4, 4]);
  assert.equal((await spectrum.data()).length, 0);
});

onBothDevices("fft refuses what is not complex, and dimensions that are not there", async () => {
  using real = Tensor.zeros([1, 1, 4, 4]);
  using x = Tensor.zeros([1, 2, 4, 4]);
  assert.throws(() => fft(real, [-1]), InvalidArgumentError);
  for (const dims of [[], [1], [0], [4], [-1, 3], [0.5]]) {
    assert.throws(() => fft(x, dims), InvalidArgumentError, String(dims));
  }
  assert.throws(() => fft(x, [-1], { norm: "other" as "ortho" }), /norm must be/);
  assert.throws(() => fftCentred(real), /fftCentred/);
  await x.device.synchronize();
});

onBothDevices(
  "toComplex, realPart and imaginaryPart: the spectrum of a real image is Hermitian",
  async () => {
    using image = Tensor.randn([2, 3, 6, 5], { seed: 10 });
    using x = toComplex(image);
    assert.deepEqual([...x.shape], [2, 2, 3, 6, 5]);
    using spectrum = fft(x, [-2, -1]);
    using re = realPart(spectrum), im = imaginaryPart(spectrum);
    using mirrored = re.flip([-2, -1]).roll(1, -2).roll(1, -1);
    using opposite = im.flip([-2, -1]).roll(1, -2).roll(1, -1).neg();
    assert.ok(await largestDifference(re, mirrored) < 1e-5);
    assert.ok(await largestDifference(im, opposite) < 1e-5);
    using both = toComplex(re, im);
    assert.equal(await largestDifference(both, spectrum), 0);
    assert.throws(() => realPart(image), InvalidArgumentError);
    assert.throws(() => toComplex(image, re.reshape([2, 3, 30])), InvalidArgumentError);
  },
);
