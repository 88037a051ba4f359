/**
 * Measurement operators: what turns an image into data, with exact adjoints.
 *
 * @example
 * ```ts
 * import { Blur, gaussianBlur } from "@deepinv/distributed/physics";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1.5 }), padding: "circular" });
 * const y = await blur.A(Tensor.ones([1, 1, 16, 16]));
 * console.log(y.shape); // [ 1, 1, 16, 16 ]
 * ```
 *
 * @module
 */
export { Blur, type BlurOptions, type BlurPadding } from "./blur.ts";
export { BlurFFT, type BlurFFTOptions } from "./blur_fft.ts";
export { conjugateGradient, type ConjugateGradientOptions } from "./conjugate_gradient.ts";
export { DecomposablePhysics } from "./decomposable_physics.ts";
export { Decolorize, type DecolorizeOptions } from "./decolorize.ts";
export { Demosaicing, type DemosaicingOptions } from "./demosaicing.ts";
export { Denoising } from "./denoising.ts";
export { Downsampling, type DownsamplingOptions } from "./downsampling.ts";
export { downsamplingFilter, type FilterName } from "./downsampling_filters.ts";
export { Inpainting, type InpaintingOptions } from "./inpainting.ts";
export { gaussianBlur, type GaussianBlurOptions } from "./gaussian_blur.ts";
export { LinearPhysics, type SqnormOptions } from "./linear_physics.ts";
export { MRI, type MRIAdjointOptions, type MRIOptions } from "./mri.ts";
export { type MultiCoilAdjointOptions, MultiCoilMRI, type MultiCoilMRIOptions } from "./multi_coil_mri.ts";
export { GaussianNoise, NoiseModel } from "./noise.ts";
export { type LeastSquaresOptions, Physics, type PhysicsOptions } from "./physics.ts";
export {
  type LinearStackable,
  stack,
  type Stackable,
  StackedLinearPhysics,
  StackedPhysics,
} from "./stacked.ts";
export { LaplaceNoise, UniformGaussianNoise, UniformNoise } from "./additive_noise.ts";
export {
  type CheckedLevel,
  ElementwiseNoise,
  type NoiseLevel,
  type NoiseOptions,
} from "./elementwise_noise.ts";
export {
  LogPoissonNoise,
  type LogPoissonNoiseOptions,
  PoissonGaussianNoise,
  type PoissonGaussianNoiseOptions,
  PoissonNoise,
  type PoissonNoiseOptions,
} from "./poisson_noise.ts";
export { FisherTippettNoise, GammaNoise, RicianNoise, SaltPepperNoise } from "./signal_dependent_noise.ts";
export { splitAngles, splitCoils } from "./split.ts";
export { Philox } from "../util/philox.ts";
export { type FanParameters } from "./radon_geometry.ts";
export { Tomography, type TomographyInverseOptions, type TomographyOptions } from "./tomography.ts";
export { InvalidArgumentError } from "../util/errors.ts";
export { Tensor } from "../tensor/tensor.ts";
export { TensorList } from "../tensor/tensor_list.ts";
