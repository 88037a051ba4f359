/**
 * Tensors on a WebGPU or CPU device.
 *
 * @example
 * ```ts
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.randn([1, 3, 8, 8], { seed: 1 });
 * console.log(await x.norm().item());
 * ```
 *
 * @module
 */
export type { Device, DeviceBuffer, DeviceKind, MemoryReport } from "../compute/device.ts";
export type { ConvEngine, ConvLayer, ConvSpec, FeatureMap } from "../compute/conv_engine.ts";
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
export type { ConvolutionOptions } from "./ops/convolve.ts";
export type { Range } from "./ops/layout.ts";
export type { PaddingMode } from "./ops/pad.ts";
export { manualSeed } from "./random.ts";
export { type ReductionOptions, Tensor, type TensorOptions } from "./tensor.ts";
export { TensorList } from "./tensor_list.ts";
export type { Signal } from "./signal.ts";
