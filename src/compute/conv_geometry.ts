import { InvalidArgumentError } from "../util/errors.ts";
import type { ConvSpec } from "./conv_engine.ts";
import type { ConvolveKernel } from "./kernel.ts";

/** A number for both axes, or one for the rows and one for the columns. */
export type Pair = number | readonly [rows: number, columns: number];

/** Which samples a convolution layer combines, both axes spelled out. */
export interface ConvGeometry {
  /** Taps. */
  readonly kernel: readonly [number, number];
  /** Step between outputs; transposed, between inputs on the output's grid. */
  readonly stride: readonly [number, number];
  /** Zeros around the input; transposed, samples cut off the output's sides. */
  readonly padding: readonly [number, number];
  /** Distance of neighbouring taps. */
  readonly dilation: readonly [number, number];
  /** Transposed only: samples added below and to the right. */
  readonly outputPadding: readonly [number, number];
  /** Whether it is the transpose of a convolution. */
  readonly transposed: boolean;
}

/**
 * Fills in a spec's defaults.
 *
 * @param action what is refused, for messages
 * @throws {InvalidArgumentError} when a number is out of range
 */
export function geometryOf(
  spec: Pick<ConvSpec, "kernel" | "stride" | "padding" | "dilation" | "outputPadding" | "transposed">,
  action = "prepare a layer",
): ConvGeometry {
  const { stride = 1, padding = 0, dilation = 1, outputPadding = 0, transposed = false } = spec;
  const pair = (name: string, value: Pair, least: number): readonly [number, number] => {
    const both = typeof value === "number" ? [value, value] as const : value;
    if (both?.length !== 2 || !both.every((number) => Number.isSafeInteger(number) && number >= least)) {
      const requirement = `a whole number >= ${least}, or two of them`;
      throw new InvalidArgumentError(action, name, requirement, String(value));
    }
    return both;
  };
  const geometry: ConvGeometry = {
    kernel: pair("kernel", spec.kernel, 1),
    stride: pair("stride", stride, 1),
    padding: pair("padding", padding, 0),
    dilation: pair("dilation", dilation, 1),
    outputPadding: pair("outputPadding", outputPadding, 0),
    transposed,
  };
  const most = [0, 1].map((axis) =>
    transposed ? Math.max(geometry.stride[axis], geometry.dilation[axis]) - 1 : 0
  );
  if (geometry.outputPadding.some((value, axis) => value > most[axis])) {
    const requirement = transposed ? "less than the stride or the dilation" : "0 unless transposed";
    throw new InvalidArgumentError(action, "outputPadding", requirement, String(outputPadding));
  }
  return geometry;
}

/** Which samples a kernel of that kind combines. */
export function convolveGeometry(kernel: ConvolveKernel): ConvGeometry {
  return geometryOf({ ...kernel, kernel: [kernel.kernelHeight, kernel.kernelWidth] }, "convolve");
}

/**
 * Height and width of a layer's output; 0 or less where its kernel does not fit. Per axis, of n samples:
 * floor((n + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, and transposed
 * (n - 1) stride - 2 padding + dilation (kernel - 1) + 1 + outputPadding.
 */
export function outputSize(
  geometry: ConvGeometry,
  height: number,
  width: number,
): [height: number, width: number] {
  const along = (size: number, axis: 0 | 1) => {
    const { kernel, stride, padding, dilation, outputPadding } = geometry;
    const reach = dilation[axis] * (kernel[axis] - 1) + 1;
    return geometry.transposed
      ? (size - 1) * stride[axis] - 2 * padding[axis] + reach + outputPadding[axis]
      : Math.floor((size + 2 * padding[axis] - reach) / stride[axis]) + 1;
  };
  return [along(height, 0), along(width, 1)];
}

/** A layer that has a faster way than the general one. */
export type SpecialConv = "conv3x3" | "down2x2" | "up2x2";

/** Which of them a geometry is: 3x3 of stride 1 and padding 1, 2x2 of stride 2, and its transpose. */
export function specialOf(geometry: ConvGeometry): SpecialConv | undefined {
  const { kernel, stride, padding, dilation, outputPadding, transposed } = geometry;
  const key = `${[kernel, stride, padding, outputPadding].map((pair) => pair.join("x"))}`;
  if (dilation.some((value) => value > 1)) return undefined;
  if (key === "3x3,1x1,1x1,0x0" && !transposed) return "conv3x3";
  if (key === "2x2,2x2,0x0,0x0") return transposed ? "up2x2" : "down2x2";
  return undefined;
}

/**
 * Along one axis, outputs that are all computed alike: output first + n step is the sum over t of tap tap + t tapStep
 * times input start + n advance + t spacing. A convolution has one phase; a transposed one has as many as its stride, as
 * each residue meets taps of its own (perhaps none).
 */
export interface AxisPhase {
  readonly first: number;
  readonly step: number;
  readonly start: number;
  readonly advance: number;
  readonly spacing: number;
  /** How many taps meet: t = 0 .. taps - 1. */
  readonly taps: number;
  readonly tap: number;
  readonly tapStep: number;
}

/** The phases of a layer along the rows (axis 0) or the columns (axis 1). */
export function phasesOf(geometry: ConvGeometry, axis: 0 | 1): AxisPhase[] {
  const [kernel, stride, padding, dilation] = [
    geometry.kernel[axis],
    geometry.stride[axis],
    geometry.padding[axis],
    geometry.dilation[axis],
  ];
  if (!geometry.transposed) {
    const places = { first: 0, step: 1, start: -padding, advance: stride, spacing: dilation };
    return [{ ...places, taps: kernel, tap: 0, tapStep: 1 }];
  }
  // Tap t brings input i to output i stride + t dilation - padding; inputs ascend as taps descend.
  return Array.from({ length: stride }, (_, first) => {
    const meeting = Array.from({ length: kernel }, (_, i) => kernel - 1 - i)
      .filter((tap) => (first + padding - tap * dilation) % stride === 0);
    const [tap = 0, next = tap] = meeting;
    return {
      first,
      step: stride,
      start: meeting.length > 0 ? (first + padding - tap * dilation) / stride : 0,
      advance: 1,
      spacing: (tap - next) * dilation / stride,
      taps: meeting.length,
      tap,
      tapStep: next - tap,
    };
  });
}

/** How many outputs of an axis of `length` samples belong to a phase. */
export function phaseLength({ first, step }: Pick<AxisPhase, "first" | "step">, length: number): number {
  return Math.max(0, Math.ceil((length - first) / step));
}
