import { Philox } from "../../util/philox.ts";
import { Tensor } from "../../tensor/tensor.ts";
import { InvalidArgumentError } from "../../util/errors.ts";
import { logJoint, logSumExp, softmax } from "./mixture_likelihood.ts";
import { type MixtureParameters, mixtureTables } from "./mixture_tables.ts";

/** How {@link GaussianMixtureModel.fit} runs. */
export interface FitOptions {
  /** Most steps, >= 1; default 100. */
  maxIter?: number;
  /** The fit ends once a step lowers the mean of -log p(x) by less; by default it takes all steps. */
  stoppingCriterion?: number;
  /** Added to the diagonal of every covariance, >= 0; default 1e-5. */
  covRegularization?: number;
  /** The first means, (K, d); by default rows of the data, drawn with `seed`. */
  init?: Tensor;
  /** Of that draw; default 0. */
  seed?: number;
}

/** The least share of the data that a component is divided by. */
const TINY = 1e-5;

/**
 * Expectation maximisation (Dempster, Laird and Rubin, 1977): shares r_nk of the components in every row; then
 * w_k = mean_n r_nk, mu_k = sum_n r_nk x_n / sum_n r_nk, Sigma_k = sum_n r_nk x_n x_n^T / sum_n r_nk - mu_k mu_k^T + r I.
 *
 * @returns the parameters, and the objective before the last step
 */
export async function expectationMaximization(
  x: Tensor,
  start: MixtureParameters,
  options: FitOptions,
): Promise<{ objective: number; parameters: MixtureParameters }> {
  const { maxIter = 100, stoppingCriterion = -Infinity, covRegularization = 1e-5, init, seed = 0 } = options;
  if (!Number.isInteger(maxIter) || maxIter < 1 || !(covRegularization >= 0)) {
    const got = `${maxIter} and ${covRegularization}`;
    const what = "a whole number >= 1 and a number >= 0";
    throw new InvalidArgumentError("fit a mixture", "maxIter and covRegularization", what, got);
  }
  const mu = init ? await init.data() : await someRows(x, start.weights.length, seed);
  let parameters: MixtureParameters = { ...start, mu: Float64Array.from(mu) };
  let objective = Infinity;
  for (let step = 0; step < maxIter; step++) {
    using joint = logJoint(x, mixtureTables(parameters, 0));
    using total = logSumExp(joint);
    using mean = total.mean();
    const current = -await mean.item();
    using shares = softmax(joint);
    parameters = await maximize(x, shares, covRegularization);
    const gain = objective - current;
    objective = current;
    if (gain < stoppingCriterion) break;
  }
  return { objective, parameters };
}

/** Different rows of x, as long as there are enough. */
async function someRows(x: Tensor, count: number, seed: number): Promise<Float32Array> {
  const data = await x.data(), [n, d] = x.shape;
  const random = new Philox(seed);
  const order = Array.from({ length: n }, (_, i) => i);
  const rows = new Float32Array(count * d);
  for (let k = 0; k < count; k++) {
    const at = k % n, other = at + Math.floor(random.uniform() * (n - at));
    [order[at], order[other]] = [order[other], order[at]];
    rows.set(data.subarray(order[at] * d, (order[at] + 1) * d), k * d);
  }
  return rows;
}

async function maximize(x: Tensor, shares: Tensor, regularization: number): Promise<MixtureParameters> {
  const [n, d] = x.shape, K = shares.shape[1];
  using transposed = shares.permute([1, 0]);
  using counts = transposed.sum(1);
  using sums = transposed.matmul(x);
  const masses = Float64Array.from(await counts.data(), (count) => Math.max(count, TINY));
  const mu = Float64Array.from(await sums.data(), (sum, at) => sum / masses[Math.floor(at / d)]);
  const cov = new Float64Array(K * d * d);
  for (let k = 0; k < K; k++) {
    using centre = Tensor.from(new Float32Array(mu.subarray(k * d, (k + 1) * d)), [1, d], x);
    using centred = x.sub(centre);
    using share = shares.slice([null, [k, k + 1]]);
    using weighted = centred.mul(share);
    using columns = weighted.permute([1, 0]);
    using scatter = columns.matmul(centred);
    const values = await scatter.data();
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < d; j++) {
        const symmetric = (values[i * d + j] + values[j * d + i]) / 2;
        cov[(k * d + i) * d + j] = symmetric / masses[k] + (i === j ? regularization : 0);
      }
    }
  }
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return { weights: masses.map((mass) => mass / Math.max(total, n * TINY)), mu, cov };
}
