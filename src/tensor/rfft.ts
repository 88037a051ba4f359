import type { Device } from "../compute/device.ts";
import type { FftKernel } from "../compute/kernel.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { numelOf, resolveDim } from "./array.ts";
import { realPart, toComplex } from "./complex.ts";
import { fft, type FftNorm, ifft, normFactor } from "./fft.ts";
import { Tensor } from "./tensor.ts";

/** Options of {@link rfft}. */
export interface RfftOptions {
  /** Who carries the factor 1/n, as for `fft`; default `backward`. */
  norm?: FftNorm;
}

/** Options of {@link irfft}. */
export interface IrfftOptions extends RfftOptions {
  /** Extent of the last of the dimensions in the result; default 2 (its extent in the spectrum - 1), which is even. */
  length?: number;
}

/**
 * The discrete Fourier transform of real values: the half of the spectrum that determines the rest, X[-k] = conj X[k].
 * The last of the dimensions gets the extent floor(n / 2) + 1. Costs about half of `fft` where that dimension is even.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, rfft, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.from([1, 2, 3, 4], [1, 4]);
 * using spectrum = rfft(x, [-1]);
 * assert.deepEqual(spectrum.shape, [1, 2, 3]);
 * const expected = [10, -2, -2, 0, 2, 0]; // real parts, then imaginary parts
 * assert((await spectrum.data()).every((value, i) => Math.abs(value - expected[i]) < 1e-5));
 * ```
 *
 * @param x real values (B, ...)
 * @param dims dimensions of x behind the first, e.g. [-2, -1]
 * @returns complex values (B, 2, ...)
 * @throws {InvalidArgumentError} for unknown dimensions or norms
 */
export function rfft(x: Tensor, dims: readonly number[], options: RfftOptions = {}): Tensor {
  const resolved = realDims("rfft", x.shape, dims);
  const last = resolved.at(-1)!, others = resolved.slice(0, -1).map((dim) => dim + 1);
  const count = resolved.reduce((product, dim) => product * x.shape[dim], 1);
  const scale = normFactor("rfft", options.norm ?? "backward", count, false);
  const half = halfSpectrum(x, last, scale);
  if (others.length === 0) return half;
  using own = half;
  return fft(own, others);
}

/**
 * The inverse of {@link rfft} with the same norm and dimensions: the real values of a half spectrum.
 *
 * @param spectrum (B, 2, ...)
 * @param dims dimensions of the result behind the first, e.g. [-2, -1]; the last of them is the one that was halved
 * @returns real values (B, ...)
 * @throws {InvalidArgumentError} for unknown dimensions or norms, or a length that the spectrum does not have
 *
 * @example A signal of odd length needs to be told
 * ```ts
 * import assert from "node:assert/strict";
 * import { irfft, openDevice, rfft, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.randn([2, 6, 5], { seed: 1 });
 * using spectrum = rfft(x, [-2, -1]);
 * assert.deepEqual(spectrum.shape, [2, 2, 6, 3]); // floor(5 / 2) + 1 columns: the rest is their conjugate
 * using back = irfft(spectrum, [-2, -1], { length: 5 }); // 4 without it
 * assert(await back.sub(x).abs().max().item() < 1e-5);
 * ```
 */
export function irfft(spectrum: Tensor, dims: readonly number[], options: IrfftOptions = {}): Tensor {
  if (spectrum.shape.length < 3 || spectrum.shape[1] !== 2) {
    throw new InvalidArgumentError(
      "irfft",
      "spectrum",
      "of shape (B, 2, ...): real and imaginary parts",
      formatShape(spectrum.shape),
    );
  }
  const shape = [spectrum.shape[0], ...spectrum.shape.slice(2)];
  const resolved = realDims("irfft", shape, dims);
  const last = resolved.at(-1)!, others = resolved.slice(0, -1).map((dim) => dim + 1);
  const { length = Math.max(2 * (shape[last] - 1), 1) } = options;
  if (!Number.isInteger(length) || length < 1 || Math.floor(length / 2) + 1 !== shape[last]) {
    const longest = 2 * shape[last] - 1;
    throw new InvalidArgumentError(
      "irfft",
      "options.length",
      `${Math.max(longest - 1, 1)} or ${longest}, for the spectrum's extent ${shape[last]}`,
      String(length),
    );
  }
  const count = others.reduce((product, dim) => product * spectrum.shape[dim], length);
  const scale = normFactor("irfft", options.norm ?? "backward", count, true);
  using inner = others.length > 0 ? ifft(spectrum, others, { norm: "forward" }) : undefined;
  return realSignal(inner ?? spectrum, last, length, scale);
}

/** One dimension of real values (B, ...) transformed and halved. */
function halfSpectrum(x: Tensor, dim: number, scale: number): Tensor {
  const length = x.shape[dim];
  if (length % 2 === 1 || length === 0) {
    using complex = toComplex(x);
    using spectrum = fft(complex, [dim + 1]);
    using half = spectrum.slice(along(dim + 1, [0, Math.floor(length / 2) + 1]));
    return half.mul(scale);
  }
  const [batch, ...rest] = x.shape.with(dim, length / 2);
  using transformed = Tensor.empty([batch, 2, ...rest], x);
  pairTransform(x, transformed, axisOf(x.shape, dim, length / 2), false);
  return realStep(transformed, dim + 1, length / 2, false, scale);
}

/** One dimension of a half spectrum (B, 2, ...) transformed back. */
function realSignal(spectrum: Tensor, dim: number, length: number, scale: number): Tensor {
  if (length % 2 === 1) return oddSignal(spectrum, dim + 1, Math.floor(length / 2), scale);
  using pairs = realStep(spectrum, dim + 1, length / 2, true, 2 * scale);
  const [batch, , ...rest] = spectrum.shape;
  const output = Tensor.empty([batch, ...rest].with(dim, length), spectrum);
  pairTransform(pairs, output, axisOf(output.shape, dim, length / 2), true);
  return output;
}

/** An odd dimension of a half spectrum with `half` + 1 values, through the whole spectrum. */
function oddSignal(spectrum: Tensor, dim: number, half: number, scale: number): Tensor {
  using first = hermitianStart(spectrum, dim);
  using tail = spectrum.slice(along(dim, [1, half + 1]));
  using mirrored = tail.flip(dim);
  using conjugate = conjugated(mirrored);
  using whole = Tensor.cat([first, tail, conjugate], dim);
  using values = ifft(whole, [dim], { norm: "forward" });
  using real = realPart(values);
  return real.mul(scale);
}

/** The extents around an axis of real values, whose pairs are `length`. */
function axisOf(
  shape: readonly number[],
  dim: number,
  length: number,
): Pick<FftKernel, "batch" | "outer" | "length" | "inner"> {
  return {
    batch: shape[0],
    outer: numelOf(shape.slice(1, dim)),
    length,
    inner: numelOf(shape.slice(dim + 1)),
  };
}

/** The transform of the pairs x[2 m] + i x[2 m + 1] along an axis of real values, or back to them. */
function pairTransform(
  input: Tensor,
  output: Tensor,
  axis: ReturnType<typeof axisOf>,
  inverse: boolean,
): void {
  const interleaved = inverse ? "output" : "input";
  const kernel: FftKernel = { kind: "fft", ...axis, inverse, scale: 1, origin: 0, interleaved };
  input.device.run(kernel, [input.array.storage.buffer], output.array.storage.buffer);
}

/** Value 0 of a spectrum along a dimension, its imaginary part taken for 0. */
function hermitianStart(spectrum: Tensor, dim: number): Tensor {
  using first = spectrum.slice(along(dim, [0, 1]));
  using real = realPart(first);
  return toComplex(real);
}

function conjugated(x: Tensor): Tensor {
  using signs = Tensor.from([1, -1], [1, 2, ...x.shape.slice(2).map(() => 1)], x);
  return x.mul(signs);
}

/** The step between half spectra and transforms of half length; see `RealFftKernel`. */
function realStep(input: Tensor, dim: number, half: number, inverse: boolean, scale: number): Tensor {
  const shape = input.shape.with(dim, inverse ? half : half + 1);
  const roots = rootsOn(input.device, half);
  const output = Tensor.empty(shape, input);
  try {
    input.device.run(
      {
        kind: "realFft",
        batch: shape[0],
        outer: numelOf(shape.slice(2, dim)),
        half,
        inner: numelOf(shape.slice(dim + 1)),
        inverse,
        scale,
      },
      [input, roots].map((tensor) => tensor.array.storage.buffer),
      output.array.storage.buffer,
    );
    return output;
  } catch (error) {
    output.dispose();
    throw error;
  }
}

/** Lengths whose roots a device keeps. */
const REMEMBERED = 16;

const tables = new WeakMap<Device, Map<number, Tensor>>();

/** (cos, sin)(pi k / half) for k <= half, (half + 1, 2). */
function rootsOn(device: Device, half: number): Tensor {
  const known = tables.get(device) ?? new Map<number, Tensor>();
  tables.set(device, known);
  const roots = known.get(half) ?? Tensor.from(
    Float32Array.from({ length: 2 * (half + 1) }, (_, i) => {
      const angle = Math.PI * Math.floor(i / 2) / half;
      return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
    }),
    [half + 1, 2],
    { device },
  );
  known.delete(half);
  known.set(half, roots);
  if (known.size > REMEMBERED) {
    const [oldest, table] = known.entries().next().value!;
    known.delete(oldest);
    table.dispose();
  }
  return roots;
}

/**
 * Dimensions of real values, resolved.
 *
 * @throws {InvalidArgumentError} when they are none, repeated, or the first one
 */
function realDims(action: string, shape: readonly number[], dims: readonly number[]): number[] {
  const resolved = dims.map((dim) => resolveDim(action, dim, shape.length));
  if (resolved.length > 0 && new Set(resolved).size === resolved.length && Math.min(...resolved) >= 1) {
    return resolved;
  }
  throw new InvalidArgumentError(
    action,
    "dims",
    `one or more different dimensions behind the first of ${shape.length}`,
    formatShape(dims),
  );
}

/** Ranges that cut one dimension. */
function along(dim: number, cut: readonly [number, number, number?]): (null | typeof cut)[] {
  return [...new Array<null>(dim).fill(null), cut];
}
