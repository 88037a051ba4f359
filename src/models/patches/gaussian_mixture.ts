import { Tensor } from "../../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import { requireCounts } from "../require_counts.ts";
import type { StateDict } from "../state_dict.ts";
import { expectationMaximization, type FitOptions } from "./expectation_maximization.ts";
import { likelihoodGradient, logJoint, logSumExp } from "./mixture_likelihood.ts";
import { estimateRows, type MixtureParameters, type MixtureTables, mixtureTables } from "./mixture_tables.ts";

/** The keys of deepinv's state dict that hold parameters; its others hold what follows from them. */
const KEYS = ["_weights", "mu", "_cov"] as const;
/** Each covariance at first, times the identity; deepinv's. */
const FIRST_VARIANCE = 0.1;
/** Factorised tables that are kept: plain, and for the five levels of a half-quadratic splitting. */
const MOST_TABLES = 6;

/**
 * A mixture of Gaussians p(x) = sum_k w_k N(x; mu_k, Sigma_k) on vectors of d values, such as image patches.
 *
 * @example
 * ```ts
 * import { GaussianMixtureModel, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 * import assert from "node:assert/strict";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const points = Tensor.from([[0, 0.1], [0.1, 0], [3, 3.1], [3.1, 3]]);
 * const mixture = new GaussianMixtureModel({ nComponents: 2, dimension: 2 });
 * await mixture.fit(points, { maxIter: 20, init: Tensor.from([[0, 0], [3, 3]]) });
 * assert.deepEqual([...await mixture.classify(points)], [0, 0, 1, 1]);
 * ```
 */
export class GaussianMixtureModel {
  /** K */
  readonly nComponents: number;
  /** d */
  readonly dimension: number;
  #parameters: MixtureParameters;
  #known: MixtureTables[] = [];

  /**
   * Equal weights, means 0 and covariances 0.1 I, until {@link fit} or {@link loadStateDict}.
   *
   * @param options.nComponents K >= 1
   * @param options.dimension d >= 1
   * @throws {InvalidArgumentError} when they are not whole numbers >= 1
   */
  constructor({ nComponents, dimension }: { nComponents: number; dimension: number }) {
    requireCounts("GaussianMixtureModel", { nComponents, dimension });
    this.nComponents = nComponents;
    this.dimension = dimension;
    const diagonal = dimension + 1;
    const cov = new Float64Array(nComponents * dimension ** 2).map((_, i) =>
      i % dimension ** 2 % diagonal === 0 ? FIRST_VARIANCE : 0
    );
    const weights = new Float64Array(nComponents).fill(1 / nComponents);
    this.#parameters = { weights, mu: new Float64Array(nComponents * dimension), cov };
  }

  /**
   * -log p(x) for every row.
   *
   * @param x (n, d)
   * @returns (n,)
   * @throws {InvalidArgumentError} for another shape
   */
  async forward(x: Tensor): Promise<Tensor> {
    this.#requireRows(x);
    using joint = logJoint(x, this.#tables(0));
    using total = logSumExp(joint);
    return await Promise.resolve(total.neg());
  }

  /**
   * The gradient of -log p(x) for every row: sum_k r_k Sigma_k^-1 (x - mu_k), where r_k is the share of component k.
   *
   * @param x (n, d)
   * @returns (n, d)
   * @throws {InvalidArgumentError} for another shape
   */
  async grad(x: Tensor): Promise<Tensor> {
    this.#requireRows(x);
    return await Promise.resolve(likelihoodGradient(x, this.#tables(0)));
  }

  /**
   * log N(x; mu_k, Sigma_k + r I) for every row and component.
   *
   * @param x (n, d)
   * @param covRegularization r >= 0; default 0
   * @returns (n, K)
   * @throws {InvalidArgumentError} for another shape, or an r that makes no covariance
   */
  async componentLogLikelihoods(x: Tensor, covRegularization = 0): Promise<Tensor> {
    this.#requireRows(x);
    const tables = this.#tables(covRegularization);
    return await Promise.resolve(logJoint(x, { ...tables, constants: tables.logNorms }));
  }

  /**
   * The component that each row belongs to most likely: argmax_k w_k N(x; mu_k, Sigma_k + r I).
   *
   * @param x (n, d)
   * @param covRegularization r >= 0; default 0
   * @throws {InvalidArgumentError} for another shape, or an r that makes no covariance
   */
  async classify(x: Tensor, covRegularization = 0): Promise<Int32Array> {
    this.#requireRows(x);
    using joint = logJoint(x, this.#tables(covRegularization));
    const values = await joint.data(), K = this.nComponents;
    return Int32Array.from({ length: x.shape[0] }, (_, row) => {
      let best = 0;
      for (let k = 1; k < K; k++) if (values[row * K + k] > values[row * K + best]) best = k;
      return best;
    });
  }

  /**
   * Overwrites noisy rows by the mean of what they may have been, given the component that is most likely for each: the
   * step of EPLL (Zoran and Weiss, 2011).
   *
   * @param rows n patches of d values, in host memory
   * @param variance of the noise, > 0
   */
  async estimate(rows: Float32Array, variance: number): Promise<void> {
    using x = Tensor.from(rows, [rows.length / this.dimension, this.dimension]);
    const components = await this.classify(x, variance);
    estimateRows(rows, components, this.#parameters.mu, this.#tables(variance));
  }

  /**
   * Fits weights, means and covariances to data by expectation maximisation, from the means that `init` gives.
   *
   * @param x (n, d), n >= 1
   * @returns the mean of -log p(x) before the last step
   * @throws {InvalidArgumentError} for other shapes
   */
  async fit(x: Tensor, options: FitOptions = {}): Promise<number> {
    this.#requireRows(x);
    if (options.init) this.#requireRows(options.init, this.nComponents);
    if (x.shape[0] === 0) throw new InvalidArgumentError("fit a mixture", "x", "at least one row", "none");
    const { objective, parameters } = await expectationMaximization(x, this.#parameters, options);
    this.#replace(parameters);
    return objective;
  }

  /** A copy of the parameters on the default device, by deepinv's key names `_weights`, `mu` and `_cov`. */
  stateDict(): Map<string, Tensor> {
    const { weights, mu, cov } = this.#parameters;
    const K = this.nComponents, d = this.dimension;
    return new Map([
      ["_weights", Tensor.from(new Float32Array(weights), [K])],
      ["mu", Tensor.from(new Float32Array(mu), [K, d])],
      ["_cov", Tensor.from(new Float32Array(cov), [K, d, d])],
    ]);
  }

  /**
   * Replaces the parameters. Keys may have a prefix, as in the files of deepinv's EPLL; entries that follow from the
   * parameters are ignored; weights are scaled to sum 1.
   *
   * @throws {InvalidArgumentError} for a key that is missing or of another shape, negative weights, and a covariance that
   * is not positive definite; nothing has changed then
   */
  async loadStateDict(state: StateDict): Promise<void> {
    const K = this.nComponents, d = this.dimension;
    const [weights, mu, cov] = await Promise.all(
      [[K], [K, d], [K, d, d]].map((shape, at) => parameter(state, KEYS[at], shape)),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (!(total > 0 && total < Infinity && weights.every((weight) => weight >= 0))) {
      throw new InvalidArgumentError(
        "load a mixture",
        '"_weights"',
        "not negative, of sum > 0",
        `sum ${total}`,
      );
    }
    this.#replace({ weights: weights.map((weight) => weight / total), mu, cov });
  }

  /** The factorised covariances with r I added; kept for the next call. */
  #tables(regularization: number): MixtureTables {
    if (!(regularization >= 0 && regularization < Infinity)) {
      const got = String(regularization);
      throw new InvalidArgumentError("use a mixture", "covRegularization", "a finite number >= 0", got);
    }
    let tables = this.#known.find((known) => known.regularization === regularization);
    if (!tables) {
      tables = mixtureTables(this.#parameters, regularization);
      this.#known = [tables, ...this.#known].slice(0, MOST_TABLES);
    }
    return tables;
  }

  #replace(parameters: MixtureParameters): void {
    this.#known = [mixtureTables(parameters, 0)];
    this.#parameters = parameters;
  }

  #requireRows(x: Tensor, rows = x.shape[0]): void {
    if (x.shape.length === 2 && x.shape[1] === this.dimension && x.shape[0] === rows) return;
    const requirement = `of shape (${rows === x.shape[0] ? "n" : rows}, ${this.dimension})`;
    throw new InvalidArgumentError("use a mixture", "x", requirement, formatShape(x.shape));
  }
}

/** One parameter in float64. */
async function parameter(state: StateDict, key: string, shape: readonly number[]): Promise<Float64Array> {
  const found = [...state.keys()].find((name) => name === key || name.endsWith(`.${key}`));
  const value = found === undefined ? undefined : state.get(found)!;
  if (value === undefined || formatShape(value.shape) !== formatShape(shape)) {
    const got = value === undefined ? `keys ${[...state.keys()].join(", ")}` : formatShape(value.shape);
    throw new InvalidArgumentError(
      "load a mixture",
      `"${key}"`,
      `there, of shape ${formatShape(shape)}`,
      got,
    );
  }
  return Float64Array.from(value instanceof Tensor ? await value.data() : value.data);
}
