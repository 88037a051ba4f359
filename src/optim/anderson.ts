import { otherDims, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** How {@link OptimOptions.andersonAcceleration} works. */
export interface AndersonOptions {
  /** Number of iterates that are looked back on, >= 1; default 10. */
  historySize?: number;
  /** Share of the steps' results against their starts; default 0.9. */
  beta?: number;
  /** Regularisation, > 0; default 0.1. */
  eps?: number;
}

/** The options with their defaults. */
export type AndersonSettings = Readonly<Required<AndersonOptions>>;

/**
 * Fills in and checks the options.
 *
 * @throws {InvalidArgumentError} for values out of range
 */
export function andersonSettings(action: string, options: AndersonOptions): AndersonSettings {
  const { historySize = 10, beta = 0.9, eps = 0.1 } = options;
  if (!Number.isInteger(historySize) || historySize < 1) {
    throw new InvalidArgumentError(action, "historySize", "a whole number >= 1", String(historySize));
  }
  if (!Number.isFinite(beta)) {
    throw new InvalidArgumentError(action, "betaAndersonAcc", "finite", String(beta));
  }
  if (!(eps > 0 && eps < Infinity)) {
    throw new InvalidArgumentError(action, "epsAndersonAcc", "finite and > 0", String(eps));
  }
  return { historySize, beta, eps };
}

/**
 * Anderson acceleration (Anderson, 1965) of a fixed-point iteration T, for each batch item on its own. With the last m
 * iterates x_i and g_i = T(x_i) - x_i it takes
 *
 *     x = beta sum_i p_i T(x_i) + (1 - beta) sum_i p_i x_i,   [0 1'; 1 G G' + eps I] [nu; p] = [1; 0].
 */
export class Anderson implements Disposable {
  readonly #settings: AndersonSettings;
  /** Starts and results, in a ring. */
  readonly #starts: Tensor[] = [];
  readonly #results: Tensor[] = [];

  /** With an empty history, or with the one that {@link signals} gave. */
  constructor(settings: AndersonSettings, signals?: ReadonlyMap<string, Signal>) {
    this.#settings = settings;
    for (
      const [list, name] of [[this.#starts, "anderson.starts"], [this.#results, "anderson.results"]] as const
    ) {
      const saved = signals?.get(name);
      if (saved instanceof TensorList) list.push(...saved.clone());
    }
  }

  /** The history, which stays this object's. */
  signals(): Map<string, Signal> {
    return new Map([
      ["anderson.starts", TensorList.from(this.#starts)],
      ["anderson.results", TensorList.from(this.#results)],
    ]);
  }

  /** The accelerated image after iteration `iteration` (from 0) took x to Tx; a new tensor. */
  async accelerate(x: Tensor, Tx: Tensor, iteration: number): Promise<Tensor> {
    const { historySize, beta } = this.#settings;
    const place = Math.min(iteration % historySize, this.#starts.length);
    this.#starts[place]?.dispose();
    this.#results[place]?.dispose();
    this.#starts[place] = x.clone();
    this.#results[place] = Tx.clone();
    const weights = await this.#weights();
    let sum: Tensor | undefined;
    for (const [i, weight] of weights.entries()) {
      using factor = Tensor.from(weight, [weight.length, ...otherDims(x).map(() => 1)], x);
      using share = this.#results[i].mul(beta);
      using mixed = share.addScaled(this.#starts[i], 1 - beta);
      using term = mixed.mul(factor);
      using previous = sum;
      sum = previous ? previous.add(term) : term.clone();
    }
    return sum!;
  }

  /** Frees the history. */
  [Symbol.dispose](): void {
    [...this.#starts, ...this.#results].forEach((tensor) => tensor.dispose());
  }

  /** p_i for every iterate i, one value per item. */
  async #weights(): Promise<Float32Array[]> {
    const gaps = this.#results.map((result, i) => result.sub(this.#starts[i]));
    using _gaps = TensorList.from(gaps);
    const products: Float32Array[][] = gaps.map(() => []);
    for (const [i, gap] of gaps.entries()) {
      for (let j = 0; j <= i; j++) {
        using inner = gap.dot(gaps[j], otherDims(gap));
        products[i][j] = products[j][i] = await inner.data();
      }
    }
    const batch = gaps[0].shape[0];
    const weights = gaps.map(() => new Float32Array(batch));
    for (let b = 0; b < batch; b++) {
      const gram = products.map((row, i) => row.map((p, j) => p[b] + (i === j ? this.#settings.eps : 0)));
      const p = affineWeights(gram);
      p.forEach((value, i) => weights[i][b] = value);
    }
    return weights;
  }
}

/** The least pivot of Cholesky's method, relative to the diagonal. */
const PIVOT = 1e-14;

/** H^-1 1 / (1' H^-1 1), which solves the bordered system, for a symmetric positive definite H: by Cholesky's method. */
function affineWeights(H: readonly (readonly number[])[]): number[] {
  const n = H.length;
  const L = H.map(() => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let value = H[i][j];
      for (let k = 0; k < j; k++) value -= L[i][k] * L[j][k];
      L[i][j] = i === j ? Math.sqrt(Math.max(value, PIVOT * H[i][i])) : value / L[j][j];
    }
  }
  const p = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let value = 1;
    for (let k = 0; k < i; k++) value -= L[i][k] * p[k];
    p[i] = value / L[i][i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) p[i] -= L[k][i] * p[k];
    p[i] /= L[i][i];
  }
  const total = p.reduce((sum, value) => sum + value, 0);
  return Array.from(p, (value) => value / total);
}
