import { cacheFolder } from "./cache_folder.ts";
import { FileError, locationName, readBytes } from "./files.ts";

/** A file on a server, and what it must be. */
export interface FetchedFile {
  /** A path, or a `file:`, `http:`, `https:` or `data:` URL. */
  readonly url: string | URL;
  /** The SHA-256 of its bytes, 64 hexadecimal digits. */
  readonly sha256?: string;
}

/**
 * The bytes of a file, fetched once: what comes from `http:` and `https:` is kept in {@linkcode cacheFolder} under the
 * hash of its URL, and read from there next time. Processes that ask at once fetch it once, in turn, and never see half
 * of it.
 *
 * @param file a location, or one with the hash that its bytes must have; a kept copy of another hash is fetched anew
 * @throws {FileError} when it cannot be read or has another hash, which names both
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readFetched } from "@deepinv/distributed/io";
 *
 * // For http and https the file is kept, and read from the disk next time.
 * const url = "data:text/plain,weights";
 * const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("weights"));
 * const sha256 = new Uint8Array(digest).toHex();
 * assert.equal(new TextDecoder().decode(await readFetched({ url, sha256 })), "weights");
 * await assert.rejects(readFetched({ url, sha256: "0".repeat(64) }), /its SHA-256 must be 0000/);
 * ```
 */
export async function readFetched(file: FetchedFile): Promise<Uint8Array<ArrayBuffer>> {
  const name = locationName(file.url);
  const wanted = file.sha256?.toLowerCase();
  if (wanted !== undefined && !/^[0-9a-f]{64}$/.test(wanted)) {
    throw new FileError("check", name, `its sha256 must be 64 hexadecimal digits, got "${file.sha256}"`);
  }
  const path = await placeOf(file.url);
  if (path === undefined) return await checked(await readBytes(file.url), name, wanted);
  return await kept(path, wanted) ?? await fetchInTurn(new URL(file.url), path, wanted);
}

/** Drops the kept copy of a file, so that it is fetched anew; does nothing where there is none. */
export async function forgetFetched(url: string | URL): Promise<void> {
  const path = await placeOf(url);
  try {
    if (path !== undefined) await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      throw new FileError("forget", path!, (error as Error).message, { cause: error });
    }
  }
}

/** Where a URL's file is kept; undefined for what is not fetched, or without a folder. */
async function placeOf(url: string | URL): Promise<string | undefined> {
  const folder = /^https?:/i.test(String(url)) ? cacheFolder() : undefined;
  if (folder === undefined) return undefined;
  return `${folder}/files/${await sha256(new TextEncoder().encode(new URL(url).href))}`;
}

/** A copy from an earlier time, where there is one with the hash. */
async function kept(path: string, wanted?: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new FileError("read", path, (error as Error).message, { cause: error });
  }
  return wanted === undefined || await sha256(bytes) === wanted ? bytes : undefined;
}

/** Fetches under a lock that the system drops with its process; whoever comes second finds the file. */
async function fetchInTurn(
  address: URL,
  path: string,
  wanted?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  using lock = await lockFile(`${path}.lock`);
  await lock.lock(true);
  const found = await kept(path, wanted);
  if (found) return found;
  const bytes = await checked(await readBytes(address), address.href, wanted);
  try {
    await Deno.writeFile(`${path}.part`, bytes);
    await Deno.rename(`${path}.part`, path);
  } catch (error) {
    throw new FileError("keep", path, (error as Error).message, { cause: error });
  }
  return bytes;
}

async function lockFile(path: string): Promise<Deno.FsFile> {
  try {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    return await Deno.open(path, { create: true, write: true });
  } catch (error) {
    const reason = `${(error as Error).message}; set DEEPINV_CACHE to a folder that can be written`;
    throw new FileError("keep a file in", path, reason, { cause: error });
  }
}

async function checked(
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
  wanted?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const got = wanted === undefined ? undefined : await sha256(bytes);
  if (got === wanted) return bytes;
  throw new FileError("trust", name, `its SHA-256 must be ${wanted}, got ${got} (${bytes.length} bytes)`);
}

/** The SHA-256 of some bytes, in hexadecimal. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
