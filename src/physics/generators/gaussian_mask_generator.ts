import { RandomMaskGenerator } from "./random_mask_generator.ts";

/**
 * Masks whose lines outside the centre are drawn without replacement, with the density
 * exp(-((x - W/2) / (W/10))^2 / 2) + 1 / (2 acceleration) (Schlemper et al., 2017).
 */
export class GaussianMaskGenerator extends RandomMaskGenerator {
  /** How probable each column is, relatively. */
  protected override density(): Float64Array {
    const { width, acceleration } = this;
    return Float64Array.from(
      { length: width },
      (_, x) => Math.exp(-0.5 * ((x - width / 2) / (width / 10)) ** 2) + 1 / (2 * acceleration),
    );
  }
}
