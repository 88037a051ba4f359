import { Prior } from "../optim/prior.ts";
import type { Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";
import { hasDenoiser, LentDenoiser } from "./lent_denoiser.ts";
import { DistributedProcessing, type ProcessingOptions } from "./processing.ts";

/** Options of a distributed prior. */
export interface DistributedPriorOptions extends ProcessingOptions {
  /**
   * Priors without a denoiser: whether the prox is the prior's own (default), or that of each tile alone, which is quicker
   * on several ranks and approximates it: a tile's prox sees no further than its halo.
   */
  exactProx?: boolean;
}

/**
 * A prior for all ranks together; every method is called by all of them with the same image.
 *
 * - A prior with a denoiser (`PnP`, `RED`, `ScorePrior`, ...): its denoiser's tiles are spread over the ranks.
 * - Another one (`TVPrior`, `L1Prior`, `Tikhonov`, ...) couples all pixels or costs next to nothing, so every rank computes
 *   it on the whole image: exact, and without communication. With `exactProx: false` the tiles' proxes are spread, while
 *   `fn` and `grad` stay exact.
 *
 * @example Plug-and-play with a denoiser whose tiles are spread
 * ```ts
 * import assert from "node:assert/strict";
 * import { distribute, DistributedContext, MedianFilter, PnP, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const prior = new PnP({ denoiser: new MedianFilter({ kernelSize: 3 }) });
 * const tiled = await distribute(prior, ctx, { patchSize: 32, overlap: 1 });
 * const x = Tensor.randn([1, 1, 64, 80], { seed: 1 }); // the same on every rank
 * using local = await prior.prox(x, 0.1, 1);
 * using spread = await tiled.prox(x, 0.1, 1);
 * assert.deepEqual(await spread.data(), await local.data());
 * ```
 */
export class DistributedPrior extends Prior {
  /** As the prior's own. */
  override readonly explicitPrior: boolean;
  /** The prior as it was given. */
  readonly prior: Prior;
  /** Lends the prior the tiled denoiser; none for a prior without one. */
  readonly #lent: LentDenoiser | undefined;
  readonly #tiles: TiledProx | undefined;

  /** Made by `distribute`. */
  constructor(prior: Prior, ctx: DistributedContext, options: DistributedPriorOptions = {}) {
    super();
    if (!(prior instanceof Prior)) {
      const got = (prior as object | undefined)?.constructor?.name ?? String(prior);
      throw new InvalidArgumentError("distribute a prior", "the object", "a Prior", got);
    }
    this.prior = prior;
    this.explicitPrior = prior.explicitPrior;
    if (!hasDenoiser(prior)) {
      if (options.exactProx === false) this.#tiles = new TiledProx(prior, ctx, options);
    } else if (!(prior.denoiser instanceof DistributedProcessing)) {
      this.#lent = new LentDenoiser(prior, new DistributedProcessing(prior.denoiser, ctx, options));
    }
  }

  /** The prior's value, shape (B,). */
  override fn(x: Tensor, sigma?: number): Promise<Tensor> {
    return this.#call(() => this.prior.fn(x, sigma));
  }

  /** Its gradient, of x's shape. */
  override grad(x: Tensor, sigma?: number): Promise<Tensor> {
    return this.#call(() => this.prior.grad(x, sigma));
  }

  /** Its proximal operator, of x's shape. */
  override prox(x: Tensor, sigma: number | undefined, gamma: number): Promise<Tensor> {
    return this.#tiles?.prox(x, sigma, gamma) ?? this.#call(() => this.prior.prox(x, sigma, gamma));
  }

  /** Its conjugate's proximal operator, of x's shape. */
  override proxConjugate(x: Tensor, sigma: number | undefined, gamma: number, lamb = 1): Promise<Tensor> {
    if (this.#tiles) return super.proxConjugate(x, sigma, gamma, lamb);
    return this.#call(() => this.prior.proxConjugate(x, sigma, gamma, lamb));
  }

  /** As the prior's own. */
  override memory(): ReadonlyMap<string, Signal> {
    return this.prior.memory();
  }

  /** As the prior's own. */
  override restore(memory: ReadonlyMap<string, Signal>): void {
    this.prior.restore(memory);
  }

  /** As the prior's own. */
  override reset(): void {
    this.prior.reset();
  }

  #call(method: () => Promise<Tensor>): Promise<Tensor> {
    return this.#lent ? this.#lent.during(method) : method();
  }
}

/** The prox of each tile alone; every batch of tiles starts cold, so that none depends on those before it. */
class TiledProx {
  readonly #processing: DistributedProcessing;
  #gamma = 0;
  #sigma: number | undefined;

  constructor(prior: Prior, ctx: DistributedContext, options: ProcessingOptions) {
    const forward = async (tiles: Tensor): Promise<Tensor> => {
      prior.reset();
      try {
        return await prior.prox(tiles, this.#sigma, this.#gamma);
      } finally {
        prior.reset();
      }
    };
    this.#processing = new DistributedProcessing({ forward }, ctx, options);
  }

  prox(x: Tensor, sigma: number | undefined, gamma: number): Promise<Tensor> {
    [this.#sigma, this.#gamma] = [sigma, gamma];
    return this.#processing.forward(x, 0);
  }
}
