import type { AxisTable } from "../compute/kernel.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** Bits transformed in one pass over the data: more make fewer passes of more work each. */
const BITS_PER_PASS = 3;

/** Whether a number is 1, 2, 4, 8, ... */
export function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && (value & (value - 1)) === 0;
}

/** The number of ones in the binary digits of i, modulo 2. */
function parity(i: number): number {
  let odd = 0;
  for (let rest = i; rest !== 0; rest &= rest - 1) odd ^= 1;
  return odd;
}

/**
 * The passes of an orthonormal Walsh-Hadamard transform of length n in natural order, H[i, j] = (-1)^popcount(i & j) / sqrt(n):
 * pass b mixes the 2^b values whose positions differ in b of the binary digits.
 *
 * @param n a power of two
 */
export function walshHadamardPasses(n: number): AxisTable[] {
  const passes: AxisTable[] = [];
  for (let low = 0; 2 ** low < n; low += BITS_PER_PASS) {
    const bits = Math.min(BITS_PER_PASS, Math.log2(n) - low);
    const size = 2 ** bits;
    const indices = new Int32Array(n * size), weights = new Float32Array(n * size);
    for (let row = 0; row < n; row++) {
      const own = (row >> low) & (size - 1), base = row - (own << low);
      for (let k = 0; k < size; k++) {
        indices[row * size + k] = base + (k << low);
        weights[row * size + k] = (parity(own & k) ? -1 : 1) / Math.sqrt(size);
      }
    }
    passes.push({
      columns: n,
      offsets: Int32Array.from({ length: n + 1 }, (_, row) => row * size),
      indices,
      weights,
    });
  }
  return passes;
}

/** Applies passes for the rows' length along dimension 3 and for the columns' along dimension 2: its own inverse. */
export function walshHadamard2D(
  x: Tensor,
  passes: { readonly height: readonly AxisTable[]; readonly width: readonly AxisTable[] },
): Tensor {
  return x.applyTables([
    ...passes.height.map((table) => ({ dim: 2, table })),
    ...passes.width.map((table) => ({ dim: 3, table })),
  ]);
}
