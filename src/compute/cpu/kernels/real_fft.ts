import type { RealFftKernel } from "../../real_fft_kernel.ts";

/** Runs a {@link RealFftKernel}. */
export function realFft(
  kernel: RealFftKernel,
  input: Float32Array,
  roots: Float32Array,
  output: Float32Array,
): void {
  const { batch, outer, half, inner, inverse } = kernel;
  const [lengthIn, lengthOut] = inverse ? [half + 1, half] : [half, half + 1];
  const planeIn = outer * lengthIn * inner, planeOut = outer * lengthOut * inner;
  for (let item = 0; item < batch; item++) {
    for (let block = 0; block < outer; block++) {
      const from = 2 * item * planeIn + block * lengthIn * inner;
      const to = 2 * item * planeOut + block * lengthOut * inner;
      for (let i = 0; i < inner; i++) {
        const line = inverse ? inverseLine : forwardLine;
        line(kernel, roots, input, from + i, planeIn, output, to + i, planeOut);
      }
    }
  }
}

/** X[k] and X[h - k] of a line, k <= h / 2: with w = cos - i sin of the first, the second's is -conj(w). */
function forwardLine(
  { half, inner, scale }: RealFftKernel,
  roots: Float32Array,
  input: Float32Array,
  from: number,
  planeIn: number,
  output: Float32Array,
  to: number,
  planeOut: number,
): void {
  const factor = scale / 2;
  for (let k = 0, mirror = half; k <= mirror; k++, mirror--) {
    const near = from + k * inner, far = from + (k === 0 ? 0 : mirror) * inner;
    const re = input[near], im = input[near + planeIn];
    const mirrorRe = input[far], mirrorIm = input[far + planeIn];
    const cos = roots[2 * k], sin = roots[2 * k + 1];
    const oddRe = re - mirrorRe, oddIm = im + mirrorIm;
    const turnedRe = factor * (cos * oddIm - sin * oddRe), turnedIm = factor * (cos * oddRe + sin * oddIm);
    const evenRe = factor * (re + mirrorRe), evenIm = factor * (im - mirrorIm);
    const at = to + k * inner, opposite = to + mirror * inner;
    output[at] = evenRe + turnedRe;
    output[at + planeOut] = evenIm - turnedIm;
    output[opposite] = evenRe - turnedRe;
    output[opposite + planeOut] = -evenIm - turnedIm;
  }
}

/** Z[k] and Z[h - k] of a line, k <= h / 2. */
function inverseLine(
  { half, inner, scale }: RealFftKernel,
  roots: Float32Array,
  input: Float32Array,
  from: number,
  planeIn: number,
  output: Float32Array,
  to: number,
  planeOut: number,
): void {
  const factor = scale / 2;
  const first = input[from], last = input[from + half * inner];
  output[to] = factor * (first + last);
  output[to + planeOut] = factor * (first - last);
  for (let k = 1, mirror = half - 1; k <= mirror; k++, mirror--) {
    const near = from + k * inner, far = from + mirror * inner;
    const re = input[near], im = input[near + planeIn];
    const mirrorRe = input[far], mirrorIm = input[far + planeIn];
    const cos = roots[2 * k], sin = roots[2 * k + 1];
    const oddRe = re - mirrorRe, oddIm = im + mirrorIm;
    const turnedRe = factor * (cos * oddIm + sin * oddRe), turnedIm = factor * (cos * oddRe - sin * oddIm);
    const evenRe = factor * (re + mirrorRe), evenIm = factor * (im - mirrorIm);
    const at = to + k * inner, opposite = to + mirror * inner;
    output[opposite] = evenRe + turnedRe;
    output[opposite + planeOut] = turnedIm - evenIm;
    output[at] = evenRe - turnedRe;
    output[at + planeOut] = evenIm + turnedIm;
  }
}
