import { cacheFolder } from "../../io/cache_folder.ts";

/** Counts changes of the layers' shaders that make older measurements worthless. */
const VERSION = 2;

/** Names of presets by class of layers. */
export type TunedPresets = Readonly<Record<string, string>>;

/**
 * Which presets were fastest, by what they were measured on: a file for each adapter and driver in the folder
 * `convolution-presets` of the package's cache folder, so that writers for different ones do not meet. Files are replaced
 * in one step, so that processes never see half of one, and the last of several writers counts; a file that cannot be
 * understood, or is of another adapter or version, counts as none. Without a folder, or where it cannot be written,
 * measurements are simply made again.
 */
export class TuningCache {
  readonly #folder: string | undefined;

  /** @param folder by default the package's cache folder */
  constructor(folder: string | undefined = cacheFolder()) {
    this.#folder = folder && `${folder}/convolution-presets`;
  }

  /** What was stored for `key`. */
  async get(key: string): Promise<TunedPresets | undefined> {
    if (this.#folder === undefined) return undefined;
    try {
      const entry: unknown = JSON.parse(await Deno.readTextFile(await this.#path(key)));
      return isEntry(entry) && entry.key === versioned(key) ? entry.presets : undefined;
    } catch (error) {
      if (error instanceof SyntaxError || isRefusal(error)) return undefined;
      throw error;
    }
  }

  /** Stores presets' names, in place of those that were stored. */
  async set(key: string, presets: TunedPresets): Promise<void> {
    if (this.#folder === undefined) return;
    const path = await this.#path(key);
    const temporary = `${path}.${crypto.randomUUID()}`;
    try {
      await Deno.mkdir(this.#folder, { recursive: true });
      await Deno.writeTextFile(temporary, JSON.stringify({ key: versioned(key), presets }, null, 2));
      await Deno.rename(temporary, path);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await Deno.remove(temporary).catch(() => {}); // as far as it was written
    }
  }

  async #path(key: string): Promise<string> {
    const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(versioned(key)));
    return `${this.#folder}/${new Uint8Array(hash).toHex().slice(0, 32)}.json`;
  }
}

function isEntry(value: unknown): value is { key: string; presets: TunedPresets } {
  if (typeof value !== "object" || value === null || !("presets" in value)) return false;
  const { presets } = value;
  return typeof presets === "object" && presets !== null && !Array.isArray(presets) &&
    Object.values(presets).every((name) => typeof name === "string");
}

/** Whether it is the system that refuses: absent, not permitted, a folder, read-only, full; not a mistake in here. */
function isRefusal(error: unknown): boolean {
  return typeof (error as { code?: unknown }).code === "string" ||
    Object.values(Deno.errors).some((kind) => error instanceof kind);
}

function versioned(key: string): string {
  return `${key}, version ${VERSION}, Deno ${Deno.version.deno}`;
}
