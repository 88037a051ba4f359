/**
 * Denoisers.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { DRUNet } from "@deepinv/distributed/models";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using denoiser = await DRUNet.create({ weights: "small-color" });
 * using clean = await denoiser.forward(Tensor.zeros([1, 3, 32, 32]), 0.1);
 * assert.deepEqual(clean.shape, [1, 3, 32, 32]);
 * ```
 *
 * @module
 */
export { BilateralFilter, type BilateralFilterOptions } from "./bilateral_filter.ts";
export { ConvNet, type ConvNetOptions } from "./conv_net.ts";
export type { ConvNetConv, ConvNetLayer, ConvNetResidual, ConvNetShuffle } from "./conv_net_layout.ts";
export { Denoiser } from "./denoiser.ts";
export { nabla, nablaAdjoint } from "./differences.ts";
export { DnCNN, type DnCNNConfig, type DnCNNOptions } from "./dncnn.ts";
export { DRUNet, type DRUNetOptions } from "./drunet.ts";
export type { DRUNetConfig } from "./drunet_layout.ts";
export { EPLLDenoiser } from "./epll_denoiser.ts";
export { FFDNet, type FFDNetOptions } from "./ffdnet.ts";
export type { FFDNetConfig, FFDNetNorm } from "./ffdnet_network.ts";
export { type DenoisingFunction, FunctionDenoiser } from "./function_denoiser.ts";
export { GaussianMixtureModel } from "./patches/gaussian_mixture.ts";
export type { FitOptions } from "./patches/expectation_maximization.ts";
export type { PatchMixtureOptions } from "./patches/epll_weights.ts";
export { MedianFilter } from "./median_filter.ts";
export { maxBatchSizeFor, memoryPlan } from "./memory_plan.ts";
export { type DeviceNetwork, NetworkDenoiser } from "./network_denoiser.ts";
export { OnnxDenoiser } from "./onnx_denoiser.ts";
export type { OnnxDenoiserOptions } from "./onnx_options.ts";
export type { OnnxNoiseLevel } from "./onnx_plan.ts";
export {
  type OnnxBackend,
  type OnnxRuntime,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxTensor,
  type OnnxTensorConstructor,
  type OnnxValueMetadata,
} from "./onnx_runtime.ts";
export type { PrimalDualOptions, PrimalDualSettings } from "./over_relaxation.ts";
export { PrimalDualDenoiser } from "./primal_dual_denoiser.ts";
export type { HostParameter, ParameterShapes, StateDict } from "./state_dict.ts";
export { TGVDenoiser } from "./tgv_denoiser.ts";
export { TVDenoiser } from "./tv_denoiser.ts";
export { UNet, type UNetOptions } from "./unet.ts";
export type { UNetConfig } from "./unet_layout.ts";
export type { WeightsSource } from "./weights_source.ts";
export { WaveletDenoiser, type WaveletDenoiserOptions } from "./wavelet_denoiser.ts";
export { WaveletDictDenoiser, type WaveletDictDenoiserOptions } from "./wavelet_dict_denoiser.ts";
export type { NonLinearity } from "./wavelet_shrinkage.ts";
export type { WaveletMode } from "./wavelet_transform.ts";
