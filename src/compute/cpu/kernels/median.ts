import type { MedianKernel } from "../../kernel.ts";

/** The lower median over a sliding window: quickselect on a copy of every window. */
export function median(kernel: MedianKernel, x: Float32Array, output: Float32Array): void {
  const { planes, height, width, windowHeight, windowWidth } = kernel;
  const rows = height - windowHeight + 1, columns = width - windowWidth + 1;
  const window = new Float32Array(windowHeight * windowWidth);
  const rank = (window.length - 1) >> 1;
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let filled = 0, hasNan = false;
        for (let u = 0; u < windowHeight; u++) {
          const from = (plane * height + i + u) * width + j;
          for (let k = from; k < from + windowWidth; k++) {
            const value = x[k];
            hasNan ||= value !== value;
            window[filled++] = value;
          }
        }
        output[at++] = hasNan ? NaN : select(window, rank);
      }
    }
  }
}

/** The value of the given rank, by Hoare's selection; reorders the values, of which none is NaN. */
function select(values: Float32Array, rank: number): number {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1];
    let left = low, right = high;
    while (left <= right) {
      while (values[left] < pivot) left++;
      while (values[right] > pivot) right--;
      if (left > right) break;
      const swapped = values[left];
      values[left++] = values[right];
      values[right--] = swapped;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return values[rank];
  }
  return values[rank];
}
