/**
 * PyTorch checkpoints (`torch.save`) of state dicts, without PyTorch and without running what is in them:
 *
 * - zip (since 1.6): `data.pkl` describes the tensors, `data/<key>` hold the storages' bytes;
 * - the older format: pickles of a magic number, a version, the machine, the description and the storages' keys, then each
 *   storage as its number of values (u64) and the values.
 */
import { describeFormat, startsWith } from "./file_signature.ts";
import { locationName, readBytes } from "./files.ts";
import { PickleError, type PickleWorld, readPickle } from "./pickle_machine.ts";
import { TorchCheckpointError } from "./torch_checkpoint_error.ts";
import { findStateDict } from "./torch_state_dict.ts";
import { type TorchEntry, type TorchStorage, torchWorld } from "./torch_tensors.ts";
import { listZip, readZipEntry } from "./zip_archive.ts";

export { TorchCheckpointError };

/** What the older format begins with, as a pickled integer. */
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_VERSION = 1001;

/** How many bytes, and how many values, a file may unpack to: overlapping views and deflated zeros hold more than it. */
function allowance(bytes: Uint8Array): number {
  return 2 ** 24 + 64 * bytes.length;
}

/** A file's description of its tensors, and its byte order; the storages have their bytes. */
interface Description {
  readonly root: unknown;
  readonly littleEndian: boolean;
}

/**
 * Loads the state dict in a PyTorch checkpoint (`.pth`, `.pt`, `.ckpt`) as float32; see {@linkcode decodeTorchStateDict}.
 *
 * @param source a path, a URL, or the file's bytes
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadTorchStateDict } from "@deepinv/distributed/io";
 *
 * // torch.save({"weight": torch.tensor([[0.5, -1.5]])}, "weights.pth") in the format before 1.6
 * const bytes = Uint8Array.fromBase64(
 *   "gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9LoACfVgGAAAAd2VpZ2h0Y3RvcmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIK" +
 *     "KChYBwAAAHN0b3JhZ2VjdG9yY2gKRmxvYXRTdG9yYWdlClgBAAAAMFgDAAAAY3B1SwJOdFFLAEsBSwKGSwJLAYaJY2NvbGxl" +
 *     "Y3Rpb25zCk9yZGVyZWREaWN0CilSdFJzLoACXVgBAAAAMGEuAgAAAAAAAAAAAAA/AADAvw==",
 * );
 * const path = await Deno.makeTempFile({ suffix: ".pth" });
 * await Deno.writeFile(path, bytes);
 * const weight = (await loadTorchStateDict(path)).get("weight")!;
 * assert.deepEqual(weight, { dtype: "float32", shape: [1, 2], data: Float32Array.of(0.5, -1.5) });
 * await Deno.remove(path);
 * ```
 * @throws {FileError} if the file cannot be read
 * @throws {TorchCheckpointError} if it is not such a checkpoint, or asks for more than tensors
 */
export async function loadTorchStateDict(
  source: string | URL | Uint8Array,
): Promise<Map<string, TorchEntry>> {
  if (source instanceof Uint8Array) return decodeTorchStateDict(new Uint8Array(source));
  return decodeTorchStateDict(await readBytes(source), locationName(source));
}

/**
 * Decodes the state dict in a PyTorch checkpoint: a dict of tensors, or one inside `state_dict`, `params` and the like; a
 * prefix `module.` of all keys is dropped. Values become float32: float64 is rounded, integers beyond 2^24 too.
 *
 * Nothing in the file is run: tensors, parameters, numbers, text and plain containers are built; any other class or
 * pickle opcode is an error that names it.
 *
 * @param bytes a whole file
 * @param path where they came from, for messages
 * @returns the tensors by key, in the file's order
 * @throws {TorchCheckpointError} if it is damaged, is no such checkpoint, or asks for more than tensors
 *
 * @example The weights of a model under DataParallel
 * ```ts
 * import assert from "node:assert/strict";
 * import { decodeTorchStateDict } from "@deepinv/distributed/io";
 *
 * // torch.save({"module.bias": torch.tensor([0.5, -1.5])}, "weights.pth") in the format before 1.6
 * const bytes = Uint8Array.fromBase64(
 *   "gAKKCmz8nEb5IGqoUBkugAJN6QMugAJ9LoACfVgLAAAAbW9kdWxlLmJpYXNjdG9yY2guX3V0aWxzCl9yZWJ1aWxkX3RlbnNvcl92" +
 *     "MgooKFgHAAAAc3RvcmFnZWN0b3JjaApGbG9hdFN0b3JhZ2UKWAEAAAAwWAMAAABjcHVLAk50UUsASwKFSwGFiWNjb2xsZWN0aW9u" +
 *     "cwpPcmRlcmVkRGljdAopUnRScy6AAl1YAQAAADBhLgIAAAAAAAAAAAAAPwAAwL8=",
 * );
 * const state = decodeTorchStateDict(bytes);
 * assert.deepEqual([...state.keys()], ["bias"]); // without the prefix
 * assert.deepEqual(state.get("bias"), { dtype: "float32", shape: [2], data: Float32Array.of(0.5, -1.5) });
 * ```
 */
export function decodeTorchStateDict(
  bytes: Uint8Array<ArrayBuffer>,
  path?: string,
): Map<string, TorchEntry> {
  try {
    const { root, littleEndian } = startsWith(bytes, "PK") ? describeZip(bytes) : describeLegacy(bytes);
    const views = findStateDict(root);
    const total = [...views.values()].reduce((sum, { length }) => sum + length, 0);
    if (total > allowance(bytes)) {
      throw new PickleError(`its tensors have ${total} values, far more than its ${bytes.length} bytes hold`);
    }
    return new Map([...views].map(([key, view]) => [key, view.read(littleEndian)]));
  } catch (cause) {
    if (!(cause instanceof PickleError || cause instanceof RangeError)) throw cause;
    throw new TorchCheckpointError(cause.message, path, { cause });
  }
}

function describeZip(bytes: Uint8Array<ArrayBuffer>): Description {
  const entries = listZip(bytes);
  const descriptions = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (descriptions.length !== 1) {
    throw new PickleError(`a zip archive with ${descriptions.length} data.pkl, where a checkpoint has one`);
  }
  const folder = descriptions[0].slice(0, -"data.pkl".length);
  if (entries.has(`${folder}constants.pkl`)) {
    throw new PickleError("it is a TorchScript program; save its state_dict() instead");
  }
  let unpacked = 0;
  const read = (name: string) => {
    const entry = entries.get(name)!;
    unpacked += entry.size;
    if (unpacked > allowance(bytes)) {
      throw new PickleError(`its entries unpack to ${unpacked} bytes and more, from ${bytes.length}`);
    }
    return readZipEntry(bytes, entry);
  };
  const storages = new Map<string, TorchStorage>();
  const { value: root } = readPickle(read(descriptions[0]), 0, torchWorld(storages));
  for (const storage of storages.values()) {
    const name = `${folder}data/${storage.key}`;
    if (!entries.has(name)) throw new PickleError(`truncated: it has no entry "${name}"`);
    storage.bytes = read(name);
    if (storage.bytes.length < storage.byteLength) {
      throw new PickleError(
        `truncated: "${name}" has ${storage.bytes.length} of ${storage.byteLength} bytes`,
      );
    }
  }
  const order = `${folder}byteorder`;
  return { root, littleEndian: !entries.has(order) || new TextDecoder().decode(read(order)) !== "big" };
}

function describeLegacy(bytes: Uint8Array<ArrayBuffer>): Description {
  let at = 0;
  const next = (world: PickleWorld) => {
    const { value, end } = readPickle(bytes, at, world);
    at = end;
    return value;
  };
  const plain: PickleWorld = { find: () => undefined };
  if (!startsWith(bytes, "\x80") || next(plain) !== LEGACY_MAGIC) {
    throw new PickleError(`it is no PyTorch checkpoint; it is ${describeFormat(bytes)}`);
  }
  const version = next(plain);
  if (version !== LEGACY_VERSION) {
    throw new PickleError(`it has version ${version}; known is ${LEGACY_VERSION}`);
  }
  const machine = next(plain);
  const littleEndian = !(machine instanceof Map) || machine.get("little_endian") !== false;
  const storages = new Map<string, TorchStorage>();
  const root = next(torchWorld(storages));
  const keys = next(plain);
  if (!Array.isArray(keys)) throw new PickleError("it does not list its storages");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const key of keys) {
    const storage = storages.get(String(key));
    if (!storage) throw new PickleError(`it lists storage ${String(key)}, which no tensor uses`);
    if (at + 8 > bytes.length) throw new PickleError(`truncated: storage ${storage.key} is missing`);
    const length = view.getBigUint64(at, littleEndian);
    const end = at + 8 + storage.byteLength;
    if (length !== BigInt(storage.length) || end > bytes.length) {
      throw new PickleError(`truncated: storage ${storage.key} has ${length} values of ${storage.length}`);
    }
    storage.bytes = bytes.subarray(at + 8, end);
    at = end;
  }
  const missing = [...storages.values()].find((storage) => !storage.bytes);
  if (missing) throw new PickleError(`truncated: storage ${missing.key} is missing`);
  return { root, littleEndian };
}
