/** Whole files in and out, by path or URL, with errors that name the file and say what is wrong. */

/**
 * A file that cannot be read or written: missing, not permitted, a directory, or an HTTP failure.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { FileError, loadNpy } from "@deepinv/distributed/io";
 *
 * const error = await loadNpy("no-such-folder/kernel.npy").catch((error) => error);
 * assert.ok(error instanceof FileError);
 * assert.equal(error.path, "no-such-folder/kernel.npy");
 * assert.equal(error.message, "Cannot read no-such-folder/kernel.npy: no such file or folder");
 * ```
 */
export class FileError extends Error {
  /** `"FileError"`. */
  override readonly name = "FileError";

  /**
   * Says that a file could not be used.
   *
   * @param action what was being done, for example `"read"`
   * @param path the path or URL
   * @param reason why it failed
   */
  constructor(
    readonly action: string,
    readonly path: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot ${action} ${path}: ${reason}`, options);
  }
}

/**
 * Reads all bytes of a file.
 *
 * @param location a path, or a `file:`, `http:`, `https:` or `data:` URL (as text or `URL`)
 * @throws {FileError} if it does not exist or cannot be read
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readBytes } from "@deepinv/distributed/io";
 *
 * const bytes = await readBytes("data:application/octet-stream;base64,AAEC"); // or a path, or a URL
 * assert.deepEqual(bytes, Uint8Array.of(0, 1, 2));
 * ```
 */
export async function readBytes(location: string | URL): Promise<Uint8Array<ArrayBuffer>> {
  const name = locationName(location);
  const url = asUrl(location);
  try {
    if (url === null || url.protocol === "file:") return await Deno.readFile(url ?? location);
    const response = await fetch(url);
    if (!response.ok) {
      await response.body?.cancel();
      throw new FileError(
        "read",
        name,
        `the server answered ${response.status} ${response.statusText}`.trim(),
      );
    }
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw error instanceof FileError ? error : new FileError("read", name, reasonOf(error), { cause: error });
  }
}

/**
 * Writes `bytes` as the whole content of a file, replacing what was there.
 *
 * @param path a path or a `file:` URL; its folder must exist
 * @throws {FileError} if it cannot be written
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readBytes, writeBytes } from "@deepinv/distributed/io";
 *
 * const path = await Deno.makeTempFile();
 * await writeBytes(path, Uint8Array.of(1, 2, 3));
 * assert.deepEqual(await readBytes(path), Uint8Array.of(1, 2, 3));
 * await assert.rejects(writeBytes(new URL("https://example.org/x"), new Uint8Array()), {
 *   name: "FileError",
 * });
 * await Deno.remove(path);
 * ```
 */
export async function writeBytes(path: string | URL, bytes: Uint8Array): Promise<void> {
  const url = asUrl(path);
  const name = locationName(path);
  if (url !== null && url.protocol !== "file:") {
    throw new FileError("write", name, `a ${url.protocol} URL cannot be written to, give a path`);
  }
  try {
    await Deno.writeFile(url ?? path, bytes);
  } catch (error) {
    throw new FileError("write", name, reasonOf(error), { cause: error });
  }
}

/** The path or URL as a person would write it: `file:` URLs as paths, `data:` URLs shortened. */
export function locationName(location: string | URL): string {
  const url = asUrl(location);
  if (url === null) return location as string;
  if (url.protocol === "file:") return decodeURIComponent(url.pathname);
  return url.protocol === "data:" ? `${url.href.slice(0, 32)}...` : url.href;
}

function asUrl(location: string | URL): URL | null {
  if (location instanceof URL) return location;
  return /^(file|https?|data):/i.test(location) ? URL.parse(location) : null;
}

function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file or folder";
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}
