import { AsyncLocalStorage } from "node:async_hooks";
import type { Denoiser } from "../models/denoiser.ts";
import type { Prior } from "../optim/prior.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** What a prior asks for denoised images. */
type Denoises = Pick<Denoiser, "forward">;

/** A prior that asks a denoiser. */
export type DenoiserPrior = Prior & { readonly denoiser: Denoises };

/** Whether a prior shows the denoiser that it asks. */
export function hasDenoiser(prior: Prior): prior is DenoiserPrior {
  return typeof (prior as { denoiser?: Partial<Denoiser> }).denoiser?.forward === "function";
}

/** Which denoiser a prior asks in the call that is under way; none outside of {@link LentDenoiser.during}. */
const lent = new AsyncLocalStorage<ReadonlyMap<Prior, Denoises>>();

/** The priors whose `denoiser` looks there. */
const borrowers = new WeakSet<Prior>();

/**
 * Another denoiser for a prior of any class, while a call of it lasts. The prior is not copied: what a class keeps in private
 * fields cannot be. Its `denoiser` becomes an accessor that gives the other one inside of `during` only, so that the prior
 * can be used as it was at the same time.
 */
export class LentDenoiser {
  readonly #prior: DenoiserPrior;
  readonly #denoiser: Denoises;

  /** Lends a denoiser to a prior. */
  constructor(prior: DenoiserPrior, denoiser: Denoises) {
    this.#prior = prior;
    this.#denoiser = denoiser;
    if (!borrowers.has(prior)) letBorrow(prior);
  }

  /** Runs a call of the prior with the lent denoiser. */
  during<T>(call: () => Promise<T>): Promise<T> {
    const others = lent.getStore() ?? new Map<Prior, Denoises>();
    return lent.run(new Map([...others, [this.#prior, this.#denoiser]]), call);
  }
}

/** @throws {InvalidArgumentError} for a frozen prior */
function letBorrow(prior: DenoiserPrior): void {
  const own = Object.getOwnPropertyDescriptor(prior, "denoiser");
  if (own ? !own.configurable : !Object.isExtensible(prior)) {
    const requirement = "one whose denoiser can be replaced";
    throw new InvalidArgumentError("distribute a prior", "the prior", requirement, "a frozen one");
  }
  let read = (): Denoises => own?.value ?? own?.get?.call(prior) ?? inherited(prior);
  Object.defineProperty(prior, "denoiser", {
    configurable: true,
    enumerable: own?.enumerable ?? false,
    get: () => lent.getStore()?.get(prior) ?? read(),
    set: (denoiser: Denoises) => read = () => denoiser,
  });
  borrowers.add(prior);
}

function inherited(prior: DenoiserPrior): Denoises {
  return Reflect.get(Object.getPrototypeOf(prior), "denoiser", prior);
}
