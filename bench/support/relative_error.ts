/** ||actual - expected|| / ||expected||; NaN for different lengths. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  if (actual.length !== expected.length) return NaN;
  let [error, norm] = [0, 0];
  expected.forEach((value, i) => {
    error += (actual[i] - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(error / norm);
}
