import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { allocateArray, commonDevice, type DeviceArray, numelOf, resolveDim, sameShape } from "../array.ts";

/** How {@link fourier} transforms. */
export interface FourierOptions {
  /** The sign of the exponent: minus forward, plus inverse. */
  readonly inverse: boolean;
  /** Multiplies the result. */
  readonly scale: number;
  /** Whether index 0 of signals and spectra lies in the middle, at floor(n / 2). */
  readonly centred: boolean;
}

/**
 * The dimensions of a transform of complex values (B, 2, ...), resolved.
 *
 * @throws {InvalidArgumentError} when the array is not complex, or the dimensions are none, repeated, or not behind the
 * complex one
 */
export function fourierDims(action: string, shape: readonly number[], dims: readonly number[]): number[] {
  if (shape.length < 3 || shape[1] !== 2) {
    throw new InvalidArgumentError(
      action,
      "x",
      "of shape (B, 2, ...): real and imaginary parts",
      formatShape(shape),
    );
  }
  const resolved = dims.map((dim) => resolveDim(action, dim, shape.length));
  if (resolved.length === 0 || new Set(resolved).size < resolved.length || Math.min(...resolved) < 2) {
    throw new InvalidArgumentError(
      action,
      "dims",
      `one or more different dimensions behind the second of ${shape.length}`,
      formatShape(dims),
    );
  }
  return resolved;
}

/**
 * Fourier transforms of x (B, 2, ...) along dimensions >= 2, one after the other; the factor goes into the last one.
 *
 * @param dims from {@link fourierDims}
 * @param output of the shape of x, not x itself
 */
export function fourier(
  x: DeviceArray,
  dims: readonly number[],
  { inverse, scale, centred }: FourierOptions,
  output: DeviceArray,
): void {
  const device = commonDevice("transform", [x, output]);
  const { shape } = x;
  if (!sameShape(shape, output.shape)) {
    throw new InvalidArgumentError(
      "transform",
      "the output",
      `of shape ${formatShape(shape)}`,
      formatShape(output.shape),
    );
  }
  const spare = dims.length > 1 ? allocateArray(device, shape) : undefined;
  try {
    let source = x;
    dims.forEach((dim, step) => {
      const rest = dims.length - 1 - step;
      const target = rest % 2 === 0 ? output : spare!;
      const length = shape[dim];
      device.run(
        {
          kind: "fft",
          batch: shape[0],
          outer: numelOf(shape.slice(2, dim)),
          length,
          inner: numelOf(shape.slice(dim + 1)),
          inverse,
          scale: rest === 0 ? scale : 1,
          origin: centred ? Math.floor(length / 2) : 0,
        },
        [source.storage.buffer],
        target.storage.buffer,
      );
      source = target;
    });
  } finally {
    spare?.storage.release();
  }
}
