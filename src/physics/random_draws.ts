import { InvalidArgumentError } from "../util/errors.ts";
import type { Philox } from "../util/philox.ts";

/** Below this mean, Poisson numbers are found by inversion. */
const SMALL_MEAN = 12;

/** ln Gamma(x), x > 0: Stirling's series after raising x above 8. */
export function logGamma(x: number): number {
  let shift = 0;
  for (; x < 8; x++) shift -= Math.log(x);
  const inverse = 1 / x, square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}

/** Uniform in (0, 1). */
function positiveUniform(random: Philox): number {
  return (random.nextUint32() + 0.5) * 2 ** -32;
}

/**
 * A Poisson number: by inversion for small means, else by transformed rejection (Hoermann, "The transformed rejection
 * method for generating Poisson random variables", 1993, algorithm PTRS).
 *
 * @throws {InvalidArgumentError} when the mean is not a finite number >= 0
 */
export function poisson(random: Philox, mean: number): number {
  if (!(mean >= 0 && mean < Infinity)) {
    throw new InvalidArgumentError("draw a Poisson number", "its mean", "finite and >= 0", String(mean));
  }
  if (mean === 0) return 0;
  if (mean < SMALL_MEAN) {
    let remaining = positiveUniform(random), probability = Math.exp(-mean), k = 0;
    while (remaining > probability && probability > 0) {
      remaining -= probability;
      probability *= mean / ++k;
    }
    return k;
  }
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  const logMean = Math.log(mean);
  while (true) {
    const u = positiveUniform(random) - 0.5, v = positiveUniform(random);
    const us = 0.5 - Math.abs(u);
    const k = Math.floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    const accepted = k * logMean - mean - logGamma(k + 1);
    if (Math.log(v * inverseAlpha / (a / (us * us) + b)) <= accepted) return k;
  }
}

/**
 * A Gamma number of scale 1, by Marsaglia and Tsang, "A simple method for generating gamma variables" (2000).
 *
 * @param shape finite, > 0
 */
export function gamma(random: Philox, shape: number): number {
  if (shape < 1) return gamma(random, shape + 1) * positiveUniform(random) ** (1 / shape);
  const d = shape - 1 / 3, c = 1 / Math.sqrt(9 * d);
  while (true) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(positiveUniform(random)) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A Laplace number of scale 1, by inversion. */
export function laplace(random: Philox): number {
  const u = positiveUniform(random) - 0.5;
  return -Math.sign(u) * Math.log(1 - 2 * Math.abs(u));
}
