/**
 * Measurement operators: what turns an image into data, with exact adjoints.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Blur, gaussianBlur } from "@deepinv/distributed/physics";
 * import { openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const blur = new Blur({ filter: gaussianBlur({ sigma: 1.5 }), padding: "circular" });
 * const x = Tensor.randn([1, 1, 16, 16], { seed: 1 });
 * const y = await blur.A(x);
 * assert.deepEqual(y.shape, [1, 1, 16, 16]);
 * assert.ok(Math.abs(await blur.adjointnessTest(x)) < 1e-3); // <A x, v> - <x, A^T v>
 * ```
 *
 * @module
 */
export { Blur, type BlurOptions, type BlurPadding } from "./blur.ts";
export { BlurFFT, type BlurFFTOptions } from "./blur_fft.ts";
export { bicgstab, type SquareSolverOptions } from "./bicgstab.ts";
export { leastSquares, type LeastSquaresProblem } from "./least_squares.ts";
export { type LinearFunction } from "./item_arithmetic.ts";
export { lsqr, type LsqrOptions } from "./lsqr.ts";
export { minres } from "./minres.ts";
export { conjugateGradient, type ConjugateGradientOptions } from "./conjugate_gradient.ts";
export { compose, ComposedLinearPhysics, ComposedPhysics, type OperatorChain } from "./composed.ts";
export { CompressedSensing, type CompressedSensingOptions } from "./compressed_sensing.ts";
export { DecomposablePhysics } from "./decomposable_physics.ts";
export { Decolorize, type DecolorizeOptions } from "./decolorize.ts";
export { Demosaicing, type DemosaicingOptions } from "./demosaicing.ts";
export { Denoising } from "./denoising.ts";
export { DynamicMRI, type DynamicMRIOptions } from "./dynamic_mri.ts";
export { Downsampling, type DownsamplingOptions } from "./downsampling.ts";
export { downsamplingFilter, type FilterName } from "./downsampling_filters.ts";
export { Inpainting, type InpaintingOptions } from "./inpainting.ts";
export { gaussianBlur, type GaussianBlurOptions } from "./gaussian_blur.ts";
export { LinearPhysics, type SqnormOptions } from "./linear_physics.ts";
export { MRI, type MRIAdjointOptions, type MRIOptions } from "./mri.ts";
export { type MultiCoilAdjointOptions, MultiCoilMRI, type MultiCoilMRIOptions } from "./multi_coil_mri.ts";
export { GaussianNoise } from "./noise.ts";
export { type CheckedLevel, type NoiseLevel } from "./noise_level.ts";
export { ComposedNoise, type DrawOptions, NoiseModel, type NoiseOptions } from "./noise_model.ts";
export {
  type ForwardParameters,
  type LeastSquaresOptions,
  Physics,
  type PhysicsOptions,
  type Sensor,
} from "./physics.ts";
export { type ProximalPoint } from "./proximal_inputs.ts";
export { type SolverName } from "./solver_name.ts";
export { type Setters, Updatable } from "./updatable.ts";
export { PhaseRetrieval, type PhaseRetrievalOptions } from "./phase_retrieval.ts";
export { type SpectralOptions } from "./phase_retrieval_spectral.ts";
export { Ptychography, type PtychographyOptions } from "./ptychography.ts";
export { discProbe, type ProbeShift, ptychographyShifts } from "./ptychography_probes.ts";
export { RandomPhaseRetrieval, type RandomPhaseRetrievalOptions } from "./random_phase_retrieval.ts";
export { StructuredRandom, type StructuredRandomOptions } from "./structured_random.ts";
export { StructuredRandomPhaseRetrieval } from "./structured_random_phase_retrieval.ts";
export {
  type LinearStackable,
  stack,
  type Stackable,
  StackedLinearPhysics,
  StackedPhysics,
} from "./stacked.ts";
export { LaplaceNoise, UniformGaussianNoise, UniformNoise } from "./additive_noise.ts";
export { ElementwiseNoise } from "./elementwise_noise.ts";
export {
  LogPoissonNoise,
  type LogPoissonNoiseOptions,
  PoissonGaussianNoise,
  type PoissonGaussianNoiseOptions,
  PoissonNoise,
  type PoissonNoiseOptions,
} from "./poisson_noise.ts";
export { FisherTippettNoise, GammaNoise, RicianNoise, SaltPepperNoise } from "./signal_dependent_noise.ts";
export { densityCompensation } from "./density_compensation.ts";
export { RadioInterferometry, type RadioInterferometryOptions } from "./radio_interferometry.ts";
export { type VisibilitySampling } from "./visibility_sampling.ts";
export { splitAngles, splitCoils, splitRows, splitShifts, splitVisibilities } from "./split.ts";
export * from "./generators/mod.ts";
export { Philox } from "../util/philox.ts";
export { type FanParameters } from "./radon_geometry.ts";
export { type PatternOrdering } from "./hadamard_orderings.ts";
export { Pansharpen, type PansharpenOptions } from "./pansharpen.ts";
export { type SequentialAdjointOptions, SequentialMRI } from "./sequential_mri.ts";
export { SinglePixelCamera, type SinglePixelCameraOptions } from "./single_pixel_camera.ts";
export { Upsampling } from "./upsampling.ts";
export { Tomography, type TomographyInverseOptions, type TomographyOptions } from "./tomography.ts";
export { SpaceVaryingBlur, type SpaceVaryingBlurOptions } from "./space_varying_blur.ts";
export { InvalidArgumentError } from "../util/errors.ts";
export type { PaddingMode } from "../tensor/ops/pad.ts";
export { Tensor } from "../tensor/tensor.ts";
export { TensorList } from "../tensor/tensor_list.ts";
