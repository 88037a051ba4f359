/**
 * Denoisers.
 *
 * @example
 * ```ts
 * import { DRUNet } from "@deepinv/distributed/models";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const denoiser = await DRUNet.create({ weights: "small-color" });
 * console.log((await denoiser.forward(Tensor.zeros([1, 3, 32, 32]), 0.1)).shape);
 * ```
 *
 * @module
 */
export { BilateralFilter, type BilateralFilterOptions } from "./bilateral_filter.ts";
export { Denoiser } from "./denoiser.ts";
export { nabla, nablaAdjoint } from "./differences.ts";
export { DnCNN, type DnCNNConfig, type DnCNNOptions } from "./dncnn.ts";
export { DRUNet, type DRUNetOptions } from "./drunet.ts";
export type { DRUNetConfig } from "./drunet_layout.ts";
export { MedianFilter } from "./median_filter.ts";
export type { PrimalDualOptions } from "./over_relaxation.ts";
export type { HostParameter, StateDict } from "./state_dict.ts";
export { TGVDenoiser } from "./tgv_denoiser.ts";
export { TVDenoiser } from "./tv_denoiser.ts";
