/** Random parameters of operators: point spread functions, masks, coil maps. */
export {
  BernoulliSplittingMaskGenerator,
  type BernoulliSplittingMaskOptions,
} from "./bernoulli_splitting_mask_generator.ts";
export { birdcageMaps, type BirdcageOptions } from "./birdcage_maps.ts";
export {
  DiffractionBlurGenerator,
  type DiffractionBlurGeneratorOptions,
} from "./diffraction_blur_generator.ts";
export { EquispacedMaskGenerator } from "./equispaced_mask_generator.ts";
export { GaussianBlurGenerator, type GaussianBlurGeneratorOptions } from "./gaussian_blur_generator.ts";
export { GaussianMaskGenerator } from "./gaussian_mask_generator.ts";
export { LineMaskGenerator, type LineMaskOptions } from "./line_mask_generator.ts";
export { MotionBlurGenerator, type MotionBlurGeneratorOptions } from "./motion_blur_generator.ts";
export { PhysicsGenerator, type StepOptions } from "./physics_generator.ts";
export { PolyOrderMaskGenerator, type PolyOrderMaskOptions } from "./poly_order_mask_generator.ts";
export {
  ProductConvolutionBlurGenerator,
  type ProductConvolutionBlurOptions,
} from "./product_convolution_blur_generator.ts";
export { PsfGenerator } from "./psf_generator.ts";
export { type PsfSize } from "./psf_size.ts";
export { RandomMaskGenerator } from "./random_mask_generator.ts";
