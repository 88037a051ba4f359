import { FileError, locationName } from "../io/files.ts";
import { type FetchedFile, forgetFetched, readFetched } from "../io/fetched_file.ts";
import { decodeStateDict } from "../io/state_dict_file.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { StateDict } from "./state_dict.ts";

/**
 * Where a network's weights come from: a built-in name; the path or URL of a safetensors file or of a PyTorch checkpoint
 * (told apart by their content), which is fetched once and kept in the user's cache folder; the same with the SHA-256
 * that the file must have; a state dict; or `null` for random ones.
 */
export type WeightsSource = string | URL | FetchedFile | StateDict | null;

/** Weights that a network knows by name. */
export type NamedWeights = Readonly<Record<string, URL>>;

/** A bare word could be meant as a built-in name as well as a file's. */
const BARE_WORD = /^[^./\\:]*$/;

/**
 * The state dict that `source` stands for; undefined for `null`.
 *
 * @param owner the network's name, for messages
 * @throws {InvalidArgumentError} when a word is neither a built-in name nor a file, or the source is of another kind
 * @throws {FileError} when the file cannot be read, or has another hash
 * @throws {SafetensorsError} when it is neither a valid safetensors file nor a PyTorch checkpoint
 * @throws {TorchCheckpointError} when it is a PyTorch checkpoint that is refused
 */
export async function loadWeights(
  owner: string,
  source: WeightsSource | undefined,
  named: NamedWeights,
): Promise<StateDict | undefined> {
  if (source === null || source === undefined) return undefined;
  if (source instanceof URL) return await readWeights({ url: source });
  if (typeof source === "string") return await readNamed(owner, source, named);
  if (source instanceof Map) return source;
  const { url } = source as FetchedFile;
  if (typeof url === "string" || url instanceof URL) return await readWeights(source as FetchedFile);
  const requirement = "a built-in name, a path, a URL, { url, sha256 }, a Map of parameters or null";
  throw new InvalidArgumentError(`load weights into ${owner}`, "weights", requirement, typeof source);
}

async function readNamed(owner: string, source: string, named: NamedWeights): Promise<StateDict> {
  if (Object.hasOwn(named, source)) return await readWeights({ url: named[source] });
  try {
    return await readWeights({ url: source });
  } catch (error) {
    if (!(error instanceof FileError) || !BARE_WORD.test(source)) throw error;
    const names = Object.keys(named).map((name) => `"${name}"`).join(", ");
    const requirement = `${names ? `a built-in name (${names}) or ` : ""}a .safetensors or .pth file`;
    const got = `"${source}", which is ${names ? "neither" : "none"}`;
    throw new InvalidArgumentError(`load weights into ${owner}`, "weights", requirement, got);
  }
}

async function readWeights(file: FetchedFile): Promise<StateDict> {
  const bytes = await readFetched(file);
  try {
    return decodeStateDict(bytes, locationName(file.url));
  } catch (error) {
    await forgetFetched(file.url); // a server's notice in place of the file would stay for ever
    throw error;
  }
}
