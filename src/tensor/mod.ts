/**
 * Tensors on a WebGPU or CPU device.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.randn([1, 3, 8, 8], { seed: 1 });
 * using unit = x.div(x.norm());
 * assert(Math.abs(await unit.norm().item() - 1) < 1e-5);
 * ```
 *
 * @module
 */
export type { BufferReader, Device, DeviceBuffer, DeviceKind, MemoryReport } from "../compute/device.ts";
export type { GpuSharing } from "../compute/gpu_sharing.ts";
export type {
  BufferPart,
  ConvActivation,
  ConvEngine,
  ConvLayer,
  ConvSpec,
  FeatureMap,
} from "../compute/conv_engine.ts";
export type { Pair } from "../compute/conv_geometry.ts";
export type * from "../compute/kernel.ts";
export { DeviceError, OutOfMemoryError } from "../compute/errors.ts";
export {
  defaultDevice,
  type DeviceChoice,
  openDevice,
  type OpenOptions,
  setDefaultDevice,
} from "../compute/open.ts";
export { InvalidArgumentError } from "../util/errors.ts";
export type { DeviceArray, Storage } from "./array.ts";
export { imaginaryPart, realPart, toComplex } from "./complex.ts";
export { fft, fftCentred, type FftNorm, type FftOptions, ifft, ifftCentred } from "./fft.ts";
export { irfft, type IrfftOptions, rfft, type RfftOptions } from "./rfft.ts";
export type { Nested, TensorData } from "./nested.ts";
export type { ConvolutionPlaces } from "./ops/convolve.ts";
export type { Range } from "./ops/layout.ts";
export type { PaddingMode } from "./ops/pad.ts";
export { manualSeed } from "./random.ts";
export { type ConvolutionOptions, type ReductionOptions, Tensor, type TensorOptions } from "./tensor.ts";
export { TensorList } from "./tensor_list.ts";
export type { Signal } from "./signal.ts";
