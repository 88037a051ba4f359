import { Tensor } from "../../tensor/tensor.ts";
import type { MixtureTables } from "./mixture_tables.ts";

/** Values that the whitened rows of one piece of the data may take: 32 MiB. */
const MOST_VALUES = 2 ** 23;

/** log w_k N(x; mu_k, Sigma_k) for rows x (n, d): (n, K). */
export function logJoint(x: Tensor, tables: MixtureTables): Tensor {
  return inPieces(x, tables, (rows, whitening) => {
    using white = whitening.apply(rows);
    return whitening.logJoint(white);
  }, whiteningShape(tables).K);
}

/** The gradient of -log sum_k w_k N(x; mu_k, Sigma_k) for rows x (n, d): (n, d). */
export function likelihoodGradient(x: Tensor, tables: MixtureTables): Tensor {
  return inPieces(x, tables, (rows, whitening) => {
    using white = whitening.apply(rows);
    using joint = whitening.logJoint(white);
    using shares = softmax(joint);
    using perComponent = shares.reshape([...shares.shape, 1]);
    using weighted = white.mul(perComponent);
    using flat = weighted.reshape([rows.shape[0], -1]);
    return flat.matmul(whitening.matrix);
  }, x.shape[1]);
}

/** log sum_k exp(values) over the last dimension of (n, K): (n,). */
export function logSumExp(values: Tensor): Tensor {
  using largest = values.max(1, { keepDims: true });
  using lowered = values.sub(largest);
  using powers = lowered.exp();
  using sum = powers.sum(1);
  using logarithm = sum.log();
  using flat = largest.reshape([values.shape[0]]);
  return logarithm.add(flat);
}

/** exp(values - logSumExp(values)): shares that sum to 1. */
export function softmax(values: Tensor): Tensor {
  using total = logSumExp(values);
  using column = total.reshape([values.shape[0], 1]);
  using lowered = values.sub(column);
  return lowered.exp();
}

function whiteningShape({ constants, shifts }: MixtureTables): { K: number; d: number } {
  return { K: constants.length, d: shifts.length / constants.length };
}

/** The tables on a device. */
class Whitening implements Disposable {
  /** L_k^-1 of all components below each other, (K d, d) */
  readonly matrix: Tensor;
  readonly #transposed: Tensor;
  readonly #shifts: Tensor;
  readonly #constants: Tensor;

  constructor(tables: MixtureTables, like: Tensor) {
    const { K, d } = whiteningShape(tables);
    this.matrix = Tensor.from(new Float32Array(tables.whiteners), [K * d, d], like);
    this.#transposed = this.matrix.permute([1, 0]);
    this.#shifts = Tensor.from(tables.shifts, [1, K, d], like);
    this.#constants = Tensor.from(tables.constants, [1, K], like);
  }

  /** L_k^-1 (x - mu_k), (n, K, d) */
  apply(rows: Tensor): Tensor {
    using product = rows.matmul(this.#transposed);
    using shaped = product.reshape([rows.shape[0], this.#shifts.shape[1], this.#shifts.shape[2]]);
    return shaped.sub(this.#shifts);
  }

  /** The constants less half the squared lengths, (n, K) */
  logJoint(white: Tensor): Tensor {
    using squares = white.dot(white, 2);
    return this.#constants.addScaled(squares, -0.5);
  }

  [Symbol.dispose](): void {
    for (const tensor of [this.matrix, this.#transposed, this.#shifts, this.#constants]) tensor.dispose();
  }
}

/** Applies `f` to some rows at a time, so that what it makes between stays small. */
function inPieces(
  x: Tensor,
  tables: MixtureTables,
  f: (rows: Tensor, whitening: Whitening) => Tensor,
  width: number,
): Tensor {
  using whitening = new Whitening(tables, x);
  const { K, d } = whiteningShape(tables);
  const piece = Math.max(1, Math.floor(MOST_VALUES / (K * d)));
  const result = Tensor.zeros([x.shape[0], width], x);
  try {
    for (let first = 0; first < x.shape[0]; first += piece) {
      using rows = x.slice([[first, Math.min(first + piece, x.shape[0])]]);
      using part = f(rows, whitening);
      result.writeSlice(part, [first, 0]);
    }
    return result;
  } catch (error) {
    result.dispose();
    throw error;
  }
}
