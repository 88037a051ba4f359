import type { Device } from "../compute/device.ts";
import type { BlurPadding } from "./blur_border.ts";
import { fourierSizes, lengthCost } from "./fourier_sizes.ts";
import { pairCount } from "./plane_pairs.ts";

/** The ways to compute a blur: one pass over the filter, one pass per axis, by Fourier transforms. */
export type BlurWay = "direct" | "axes" | "fourier";

/** What is blurred. */
export interface BlurTask {
  /** (B, C, ...spatial) of the images. */
  readonly shape: readonly number[];
  /** (1|B, 1|C, ...taps) of the filter. */
  readonly filter: readonly number[];
  /** Whether the filter is of rank one. */
  readonly separable: boolean;
  readonly padding: BlurPadding;
}

/** Nanoseconds that a device takes. */
interface BlurRates {
  /** For a value of the images that is continued past the border, read and written. */
  readonly value: number;
  /** For a value in a further pass. */
  readonly pass: number;
  /** For a value and a plane of a volume's filter. */
  readonly plane: number;
  /** For a product of a tap and a value. */
  readonly product: number;
  /** For a complex value of the transforms' grid that is moved and multiplied, in 2D; and for one that is continued. */
  readonly grid: number;
  readonly border: number;
  /** For such a value and a unit of `lengthCost`. */
  readonly butterfly: number;
  /** For a kernel that is started. */
  readonly launch: number;
}

/** The mean of A and A_adjoint in `bench/blur.ts`, on one core and on Mesa's lavapipe on two; a GPU's are an estimate. */
const RATES: Readonly<Record<"cpu" | "software" | "gpu", BlurRates>> = {
  cpu: {
    value: 6,
    pass: 2,
    plane: 3,
    product: 0.055,
    grid: 8,
    border: 8,
    butterfly: 0.55,
    launch: 5_000,
  },
  software: {
    value: 20,
    pass: 3,
    plane: 80,
    product: 0.06,
    grid: 35,
    border: 30,
    butterfly: 0.6,
    launch: 150_000,
  },
  gpu: {
    value: 0.02,
    pass: 0.01,
    plane: 0.03,
    product: 0.0004,
    grid: 0.06,
    border: 0.02,
    butterfly: 0.004,
    launch: 10_000,
  },
};

/** Float32 values in a buffer that a kernel of any WebGPU adapter can look at: 128 MiB. */
const MOST_BOUND_VALUES = 2 ** 25;

/** The way that takes a device least time, and whose arrays are not too large for it. */
export function fastestWay(task: BlurTask, device: Device): BlurWay {
  const rates = RATES[device.kind === "cpu" ? "cpu" : device.isSoftwareAdapter ? "software" : "gpu"];
  const spatial = task.separable ? "axes" : "direct";
  const cost = task.separable ? axesCost(task, rates) : directCost(task, rates);
  const tooLarge = device.kind === "webgpu" && 2 * complexValues(task) > MOST_BOUND_VALUES;
  return !tooLarge && fourierCost(task, rates) < cost ? "fourier" : spatial;
}

/** Complex values of the transforms' grids. */
function complexValues({ shape, filter, padding }: BlurTask): number {
  const { sizes } = fourierSizes(shape.slice(2), filter.slice(2), padding);
  return product(sizes) * pairCount(shape[0], shape[1], filter);
}

function directCost({ shape, filter }: BlurTask, rates: BlurRates): number {
  const taps = filter.slice(2);
  const planes = taps.length === 3 ? taps[0] : 0;
  return product(shape) * (rates.value + rates.pass + rates.plane * planes + rates.product * product(taps)) +
    rates.launch * (3 + 3 * planes);
}

function axesCost({ shape, filter }: BlurTask, rates: BlurRates): number {
  const taps = filter.slice(2);
  const products = taps.reduce((sum, size) => sum + size, 0);
  return product(shape) * (rates.value + rates.pass * taps.length + rates.product * products) +
    rates.launch * 2 * taps.length;
}

function fourierCost(task: BlurTask, rates: BlurRates): number {
  const { shape, filter, padding } = task;
  const { sizes, periodic } = fourierSizes(shape.slice(2), filter.slice(2), padding);
  const stages = sizes.reduce((sum, size) => sum + lengthCost(size) / size, 0);
  const perValue = rates.grid * sizes.length / 2 + (periodic ? 0 : rates.border) +
    2 * rates.butterfly * stages;
  return complexValues(task) * perValue + rates.launch * (8 + 2 * sizes.length);
}

function product(extents: readonly number[]): number {
  return extents.reduce((total, extent) => total * extent, 1);
}
