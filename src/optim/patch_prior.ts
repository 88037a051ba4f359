import { PatchGrid } from "../models/patches/patch_grid.ts";
import { requireCounts } from "../models/require_counts.ts";
import { requireImages } from "../models/threshold.ts";
import { owned } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Philox } from "../util/philox.ts";
import { Prior } from "./prior.ts";

/** How unlikely patches are; a {@link GaussianMixtureModel} is one. */
export interface PatchLikelihood {
  /** -log p for every row of patches (n, d): (n,). */
  forward(patches: Tensor): Promise<Tensor>;
  /** Its gradient for every row, (n, d); where it is missing the prior has a value only. */
  grad?(patches: Tensor): Promise<Tensor>;
}

/** Options of {@link PatchPrior}. */
export interface PatchPriorOptions {
  /** -log p of patches as rows of C p^2 values in the order (channel, row, column). */
  negativePatchLogLikelihood: PatchLikelihood;
  /** How many patches, drawn anew for every call, stand for all; -1 (the default) for all of them. */
  nPatches?: number;
  /** p, the side of a patch in pixels, >= 1; default 6. */
  patchSize?: number;
  /** Whether patches go on at the opposite border, so that all pixels count alike; default false. */
  pad?: boolean;
  /** Of the draws; default 0. */
  seed?: number;
}

/** Patches that are evaluated together. */
const AT_ONCE = 16384;

/**
 * The mean of -log p over the overlapping square patches of an image: g(x) = sum_i -log p(P_i x) / N (Zoran and Weiss,
 * 2011; Altekrueger et al., 2022). Its prox is the general one, by gradient descent, for small gamma.
 *
 * @example
 * ```ts
 * import { GaussianMixtureModel, openDevice, PatchPrior, setDefaultDevice, Tensor } from "@deepinv/distributed";
 * import assert from "node:assert/strict";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const negativePatchLogLikelihood = new GaussianMixtureModel({ nComponents: 3, dimension: 9 });
 * const prior = new PatchPrior({ negativePatchLogLikelihood, patchSize: 3 });
 * const x = Tensor.randn([1, 1, 12, 10], { seed: 1 });
 * const downhill = x.addScaled(await prior.grad(x), -0.1);
 * assert.ok(await (await prior.fn(downhill)).item() < await (await prior.fn(x)).item());
 * ```
 */
export class PatchPrior extends Prior {
  /** `true` */
  override readonly explicitPrior = true;
  readonly #likelihood: PatchLikelihood;
  readonly #nPatches: number;
  readonly #patchSize: number;
  readonly #wraps: boolean;
  readonly #seed: number;
  #draws = 0;

  /**
   * Sets the likelihood and the patches.
   *
   * @throws {InvalidArgumentError} for options out of range
   */
  constructor(options: PatchPriorOptions) {
    super();
    const { negativePatchLogLikelihood, nPatches = -1, patchSize = 6, pad = false, seed = 0 } = options;
    requireCounts("PatchPrior", { patchSize, ...(nPatches !== -1 && { nPatches }) });
    if (typeof negativePatchLogLikelihood?.forward !== "function") {
      const got = typeof negativePatchLogLikelihood;
      const what = "an object with forward(patches)";
      throw new InvalidArgumentError("build PatchPrior", "negativePatchLogLikelihood", what, got);
    }
    this.#likelihood = negativePatchLogLikelihood;
    this.#nPatches = nPatches;
    this.#patchSize = patchSize;
    this.#wraps = pad;
    this.#seed = seed;
  }

  /**
   * The mean of -log p over patches, shape (B,).
   *
   * @param x (B, C, H, W), H and W at least the patches' side
   * @throws {InvalidArgumentError} for smaller images
   */
  override async fn(x: Tensor): Promise<Tensor> {
    const sums = new Float64Array(x.shape[0]);
    let count = 0;
    await this.#visit(x, async ({ rows, item, grid, positions }) => {
      using patches = Tensor.from(rows, [positions.length, grid.dimension], x);
      using values = await this.#likelihood.forward(patches);
      requireShape("forward", values, [positions.length]);
      sums[item] += (await values.data()).reduce((sum, value) => sum + value, 0);
      if (item === 0) count += positions.length;
    });
    return Tensor.from(Array.from(sums, (sum) => sum / count), [sums.length], x);
  }

  /**
   * The gradient of `fn`, of x's shape.
   *
   * @throws {InvalidArgumentError} for images smaller than a patch, and where the likelihood has no gradient
   */
  override async grad(x: Tensor): Promise<Tensor> {
    if (!this.#likelihood.grad) return await super.grad(x);
    const gradient = new Float64Array(x.numel), pixels = x.numel / x.shape[0];
    let count = 0;
    await this.#visit(x, async ({ rows, item, grid, positions }) => {
      using patches = Tensor.from(rows, [positions.length, grid.dimension], x);
      using slopes = owned(await this.#likelihood.grad!(patches), patches);
      requireShape("grad", slopes, [positions.length, grid.dimension]);
      grid.add(await slopes.data(), gradient, item * pixels, positions);
      if (item === 0) count += positions.length;
    });
    return Tensor.from(new Float32Array(gradient.map((sum) => sum / count)), x.shape, x);
  }

  /** Lets the draws of patches start anew. */
  override reset(): void {
    this.#draws = 0;
  }

  async #visit(x: Tensor, visit: (piece: Piece) => Promise<void>): Promise<void> {
    requireImages("PatchPrior", x);
    const [batch, channels, height, width] = x.shape;
    const imgSize = [channels, height, width] as const;
    const grid = new PatchGrid({ imgSize, patchSize: this.#patchSize, wraps: this.#wraps });
    const chosen = this.#nPatches === -1 || this.#nPatches >= grid.count
      ? grid.positions(0, grid.count)
      : draw(grid.count, this.#nPatches, new Philox(this.#seed, this.#draws++));
    const image = await x.data();
    for (let item = 0; item < batch; item++) {
      for (let first = 0; first < chosen.length; first += AT_ONCE) {
        const positions = chosen.subarray(first, first + AT_ONCE);
        const rows = grid.read(image, item * channels * height * width, positions);
        await visit({ rows, item, grid, positions });
      }
    }
  }
}

/** Some patches of one item. */
interface Piece {
  readonly rows: Float32Array;
  readonly item: number;
  readonly grid: PatchGrid;
  readonly positions: Int32Array;
}

/** `count` different numbers below `total`. */
function draw(total: number, count: number, random: Philox): Int32Array {
  const numbers = Int32Array.from({ length: total }, (_, k) => k);
  for (let k = 0; k < count; k++) {
    const other = k + Math.floor(random.uniform() * (total - k));
    [numbers[k], numbers[other]] = [numbers[other], numbers[k]];
  }
  return numbers.slice(0, count);
}

function requireShape(method: string, result: Tensor, shape: readonly number[]): void {
  if (formatShape(result.shape) === formatShape(shape)) return;
  const what = `the result of the patches' ${method}`;
  const requirement = `of shape ${formatShape(shape)}`;
  throw new InvalidArgumentError("evaluate PatchPrior", what, requirement, formatShape(result.shape));
}
