/** The filter transform of F(4x4, 3x3). */
const G = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/**
 * u[6 i + j] = (G g G')[i][j] for every pair of channels of `weights` (out, in, 3, 3), as 36 matrices (depth x columns)
 * in the order of `packPanels`. What pads them is left alone: zeros.
 *
 * @param depth input channels, padded
 * @param columns output channels, padded
 * @param into 36 x depth x columns values
 */
export function winogradWeights(
  weights: Float32Array,
  inChannels: number,
  outChannels: number,
  depth: number,
  columns: number,
  into: Float32Array,
): void {
  const matrix = depth * columns;
  const left = new Float64Array(18);
  for (let c = 0; c < inChannels; c++) {
    for (let o = 0; o < outChannels; o++) {
      const panel = o - o % 8;
      const at = panel * depth + c * Math.min(8, columns - panel) + o % 8;
      const g = (o * inChannels + c) * 9;
      for (let i = 0; i < 6; i++) {
        for (let x = 0; x < 3; x++) {
          left[3 * i + x] = G[i][0] * weights[g + x] + G[i][1] * weights[g + 3 + x] +
            G[i][2] * weights[g + 6 + x];
        }
      }
      for (let i = 0; i < 6; i++) {
        for (let j = 0; j < 6; j++) {
          into[(6 * i + j) * matrix + at] = left[3 * i] * G[j][0] + left[3 * i + 1] * G[j][1] +
            left[3 * i + 2] * G[j][2];
        }
      }
    }
  }
}
