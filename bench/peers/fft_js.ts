/** The npm package fft.js: plain JavaScript, float64, interleaved complex numbers, lengths that are powers of two. */

/** The pinned peer. Not a dependency: Deno fetches it when this program runs. */
const PACKAGE = "npm:fft.js@4.0.4";

interface FftJs {
  createComplexArray(): number[];
  transform(output: number[], input: number[]): void;
}

/** A 2-D transform of planes (real, imaginary), rows and then columns; undefined where the package has no such length. */
export async function openFftJs(size: number): Promise<((x: Float32Array) => Float32Array) | undefined> {
  if (size < 2 || (size & (size - 1)) !== 0) return undefined;
  const { default: FFT }: { default: new (size: number) => FftJs } = await import(PACKAGE);
  const line = new FFT(size);
  const input = line.createComplexArray();
  const output = line.createComplexArray();
  const plane = size * size;
  const pass = (from: Float32Array, to: Float32Array, start: number, step: number) => {
    for (let n = 0, at = start; n < size; n++, at += step) {
      input[2 * n] = from[at];
      input[2 * n + 1] = from[at + plane];
    }
    line.transform(output, input);
    for (let k = 0, at = start; k < size; k++, at += step) {
      to[at] = output[2 * k];
      to[at + plane] = output[2 * k + 1];
    }
  };
  const result = new Float32Array(2 * plane);
  return (x) => {
    for (let row = 0; row < size; row++) pass(x, result, row * size, 1);
    for (let column = 0; column < size; column++) pass(result, result, column, size);
    return result;
  };
}
