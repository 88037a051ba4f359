/** A level of a variance-preserving diffusion: an image of [-1, 1] becomes signal x + noise n. */
export interface DiffusionLevel {
  /** sqrt(a_t) */
  readonly signal: number;
  /** sqrt(1 - a_t) */
  readonly noise: number;
}

/** Length of the diffusion, and beta at its ends (Ho, Jain and Abbeel, 2020). */
const STEPS = 1000, FIRST_BETA = 1e-4, LAST_BETA = 2e-2;

/**
 * `count` levels of a diffusion of 1000 steps, from the noisiest to the cleanest. As in deepinv, level i is step
 * 999 - floor(1000 sqrt(i / (count - 1))) (0 for the last), so that clean levels lie closer together.
 */
export function diffusionLevels(count: number): DiffusionLevel[] {
  const products = new Float64Array(STEPS);
  let product = 1;
  for (let t = 0; t < STEPS; t++) {
    product *= 1 - (FIRST_BETA + ((LAST_BETA - FIRST_BETA) * t) / (STEPS - 1));
    products[t] = product;
  }
  return Array.from({ length: count }, (_, i) => {
    const place = Math.floor(STEPS * Math.sqrt(i / (count - 1)));
    const a = products[STEPS - 1 - Math.min(place, STEPS - 1)];
    return { signal: Math.sqrt(a), noise: Math.sqrt(1 - a) };
  });
}
