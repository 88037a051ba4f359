import { cacheFolder } from "../../io/cache_folder.ts";

/** Counts changes of the layers' shaders that make older measurements worthless. */
const VERSION = 1;

/**
 * Which preset was fastest, by what it was measured on: `convolution-presets.json` in the package's cache folder. The
 * file is replaced in one step, so that processes never see half of one; a file that cannot be understood counts as
 * empty. Without a folder, or where it cannot be written, measurements are simply made again.
 */
export class TuningCache {
  readonly #folder: string | undefined;

  /** @param folder by default the package's cache folder */
  constructor(folder: string | undefined = cacheFolder()) {
    this.#folder = folder;
  }

  /** The preset's name that was stored for `key`. */
  async get(key: string): Promise<string | undefined> {
    const name = (await this.#read())[versioned(key)];
    return typeof name === "string" ? name : undefined;
  }

  /** Stores a preset's name. */
  async set(key: string, name: string): Promise<void> {
    if (this.#folder === undefined) return;
    const entries = { ...await this.#read(), [versioned(key)]: name };
    const temporary = `${this.#path}.${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(this.#folder, { recursive: true });
      await Deno.writeTextFile(temporary, JSON.stringify(entries, null, 2));
      await Deno.rename(temporary, this.#path);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await Deno.remove(temporary).catch(() => {}); // as far as it was written
    }
  }

  get #path(): string {
    return `${this.#folder}/convolution-presets.json`;
  }

  async #read(): Promise<Record<string, unknown>> {
    if (this.#folder === undefined) return {};
    try {
      const entries: unknown = JSON.parse(await Deno.readTextFile(this.#path));
      return typeof entries === "object" && entries !== null && !Array.isArray(entries) ? { ...entries } : {};
    } catch (error) {
      if (error instanceof SyntaxError || isRefusal(error)) return {};
      throw error;
    }
  }
}

/** Whether it is the system that refuses: absent, not permitted, a folder, read-only, full; not a mistake in here. */
function isRefusal(error: unknown): boolean {
  return typeof (error as { code?: unknown }).code === "string" ||
    Object.values(Deno.errors).some((kind) => error instanceof kind);
}

function versioned(key: string): string {
  return `${key}, version ${VERSION}, Deno ${Deno.version.deno}`;
}
