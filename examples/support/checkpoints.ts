/**
 * A run's states as files `iteration-N.safetensors` in a folder; for one rank. A file gets its name only once it is whole,
 * so that a run that ends in the middle of a save finds the one before.
 */
export class Checkpoints {
  /** @param folder where the files are; made when the first one is saved */
  constructor(readonly folder: string) {}

  /** Saves a state's bytes and removes earlier ones. */
  async save(iteration: number, bytes: Uint8Array): Promise<void> {
    await Deno.mkdir(this.folder, { recursive: true });
    const unfinished = `${this.folder}/unfinished`;
    await Deno.writeFile(unfinished, bytes);
    await Deno.rename(unfinished, this.#path(iteration));
    for (const earlier of await this.#iterations()) {
      if (earlier < iteration) await Deno.remove(this.#path(earlier));
    }
  }

  /** The bytes of the last state; undefined if there is none. */
  async latest(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const iteration = (await this.#iterations()).at(-1);
    return iteration === undefined ? undefined : await Deno.readFile(this.#path(iteration));
  }

  #path(iteration: number): string {
    return `${this.folder}/iteration-${iteration}.safetensors`;
  }

  /** The iterations that are saved, in order. */
  async #iterations(): Promise<number[]> {
    const found: number[] = [];
    try {
      for await (const { name } of Deno.readDir(this.folder)) {
        const match = /^iteration-(\d+)\.safetensors$/.exec(name);
        if (match) found.push(Number(match[1]));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return found.sort((a, b) => a - b);
  }
}
