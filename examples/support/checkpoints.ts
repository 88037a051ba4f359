import { type DistributedContext, loadNpy, saveNpy, Tensor } from "@deepinv/distributed";

/** The state of an iteration. */
export interface State {
  /** How many iterations it took. */
  iteration: number;
  x: Tensor;
}

/**
 * States of an iteration as files `iteration-N.npy` in a folder. A file gets its name only once it is whole, so that a run
 * that ends in the middle of a save finds the one before.
 */
export class Checkpoints {
  /** @param folder where the files are; made when the first one is saved */
  constructor(readonly folder: string) {}

  /** Saves a state and removes earlier ones; for one rank. */
  async save(iteration: number, x: Tensor): Promise<void> {
    await Deno.mkdir(this.folder, { recursive: true });
    const unfinished = `${this.folder}/unfinished.npy`;
    await saveNpy(unfinished, { shape: x.shape, data: await x.data() });
    await Deno.rename(unfinished, this.#path(iteration));
    for (const earlier of await this.#iterations()) {
      if (earlier < iteration) await Deno.remove(this.#path(earlier));
    }
  }

  /**
   * The last state, on all ranks, read by rank 0; undefined if there is none.
   *
   * @param shape what x must have
   */
  async latest(ctx: DistributedContext, shape: readonly number[]): Promise<State | undefined> {
    const found = ctx.rank === 0 ? (await this.#iterations()).at(-1) : undefined;
    const iteration = await ctx.broadcastObject(found, 0);
    if (iteration === undefined) return undefined;
    const x = ctx.rank === 0 ? await this.#load(iteration, shape) : Tensor.zeros(shape);
    return { iteration, x: await ctx.broadcast(x, 0) };
  }

  async #load(iteration: number, shape: readonly number[]): Promise<Tensor> {
    const path = this.#path(iteration);
    const array = await loadNpy(path);
    if (String(array.shape) !== String(shape)) {
      throw new TypeError(`Cannot resume: ${path} must be of shape ${shape}, got ${array.shape}`);
    }
    return Tensor.from(array.data, array.shape);
  }

  #path(iteration: number): string {
    return `${this.folder}/iteration-${iteration}.npy`;
  }

  /** The iterations that are saved, in order. */
  async #iterations(): Promise<number[]> {
    const found: number[] = [];
    try {
      for await (const { name } of Deno.readDir(this.folder)) {
        const match = /^iteration-(\d+)\.npy$/.exec(name);
        if (match) found.push(Number(match[1]));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return found.sort((a, b) => a - b);
  }
}
