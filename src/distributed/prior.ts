import type { Denoiser } from "../models/denoiser.ts";
import { Prior } from "../optim/prior.ts";
import type { Signal } from "../tensor/signal.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { DistributedContext } from "./context.ts";
import { DistributedProcessing, type ProcessingOptions } from "./processing.ts";

/** Options of a distributed prior. */
export interface DistributedPriorOptions extends ProcessingOptions {
  /**
   * Priors without a denoiser: whether the prox is the prior's own (default), or that of each tile alone, which is quicker
   * on several ranks and approximates it: a tile's prox sees no further than its halo.
   */
  exactProx?: boolean;
}

/** A prior that asks a denoiser. */
type DenoiserPrior = Prior & { readonly denoiser: Pick<Denoiser, "forward"> };

/**
 * A prior for all ranks together; every method is called by all of them with the same image.
 *
 * - A prior with a denoiser (`PnP`, `RED`, `ScorePrior`, ...): its denoiser's tiles are spread over the ranks.
 * - Another one (`TVPrior`, `L1Prior`, `Tikhonov`, ...) couples all pixels or costs next to nothing, so every rank computes
 *   it on the whole image: exact, and without communication. With `exactProx: false` the tiles' proxes are spread, while
 *   `fn` and `grad` stay exact.
 *
 * @example
 * ```ts
 * import { distribute, DistributedContext, MedianFilter, PnP, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const prior = new PnP({ denoiser: new MedianFilter({ kernelSize: 3 }) });
 * const tiled = await distribute(prior, ctx, { patchSize: 32, overlap: 1 });
 * console.log((await tiled.prox(Tensor.ones([1, 1, 64, 80]), 0.1, 1)).shape); // [ 1, 1, 64, 80 ]
 * ```
 */
export class DistributedPrior extends Prior {
  /** As the prior's own. */
  override readonly explicitPrior: boolean;
  /** The prior as it was given. */
  readonly prior: Prior;
  readonly #acting: Prior;
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
    this.#acting = hasDenoiser(prior) ? withDenoiser(prior, ctx, options) : prior;
    this.#tiles = !hasDenoiser(prior) && options.exactProx === false
      ? new TiledProx(prior, ctx, options)
      : undefined;
  }

  /** The prior's value, shape (B,). */
  override fn(x: Tensor, sigma?: number): Promise<Tensor> {
    return this.#acting.fn(x, sigma);
  }

  /** Its gradient, of x's shape. */
  override grad(x: Tensor, sigma?: number): Promise<Tensor> {
    return this.#acting.grad(x, sigma);
  }

  /** Its proximal operator, of x's shape. */
  override prox(x: Tensor, sigma: number | undefined, gamma: number): Promise<Tensor> {
    return this.#tiles ? this.#tiles.prox(x, sigma, gamma) : this.#acting.prox(x, sigma, gamma);
  }

  /** As the prior's own. */
  override memory(): ReadonlyMap<string, Signal> {
    return this.#acting.memory();
  }

  /** As the prior's own. */
  override restore(memory: ReadonlyMap<string, Signal>): void {
    this.#acting.restore(memory);
  }

  /** As the prior's own. */
  override reset(): void {
    this.#acting.reset();
  }
}

function hasDenoiser(prior: Prior): prior is DenoiserPrior {
  return typeof (prior as { denoiser?: Partial<Denoiser> }).denoiser?.forward === "function";
}

/** The same prior with its denoiser's tiles spread; one that is spread already stays as it is. */
function withDenoiser(prior: DenoiserPrior, ctx: DistributedContext, options: ProcessingOptions): Prior {
  if (prior.denoiser instanceof DistributedProcessing) return prior;
  const denoiser = { value: new DistributedProcessing(prior.denoiser, ctx, options), enumerable: true };
  const own = Object.getOwnPropertyDescriptors(prior);
  return Object.create(Object.getPrototypeOf(prior), { ...own, denoiser });
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
