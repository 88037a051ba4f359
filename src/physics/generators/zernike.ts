/** A Zernike polynomial's radial degree and azimuthal frequency, negative for sines. */
export type ZernikeIndex = readonly [n: number, m: number];

/** Degree and frequency of a polynomial in Noll's order (1976): 1, 2, 3, ... are piston, tilts, defocus, ... */
export function nollIndex(j: number): ZernikeIndex {
  let n = 0;
  while ((n + 1) * (n + 2) / 2 < j) n++;
  const place = j - n * (n + 1) / 2 - 1;
  const m = n % 2 + 2 * Math.floor((place + (n + 1) % 2) / 2);
  return [n, j % 2 === 0 ? m : -m + 0];
}

/**
 * The orthonormal Zernike polynomial on the unit disc: sqrt(n + 1) R_n^m(r), times sqrt(2) cos(m t) or sqrt(2) sin(-m t)
 * for m != 0, whose squares have mean 1 over the disc.
 */
export function zernike([n, m]: ZernikeIndex, r: number, t: number): number {
  const frequency = Math.abs(m);
  let radial = 0;
  for (let k = 0; 2 * k <= n - frequency; k++) {
    const sign = k % 2 === 0 ? 1 : -1;
    const divisor = factorial(k) * factorial((n + frequency) / 2 - k) * factorial((n - frequency) / 2 - k);
    radial += sign * factorial(n - k) / divisor * r ** (n - 2 * k);
  }
  const size = Math.sqrt(n + 1) * radial;
  if (m === 0) return size;
  return size * Math.SQRT2 * (m > 0 ? Math.cos(m * t) : Math.sin(-m * t));
}

function factorial(n: number): number {
  let product = 1;
  for (let k = 2; k <= n; k++) product *= k;
  return product;
}
