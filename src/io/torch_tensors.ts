/**
 * What the pickle of a PyTorch checkpoint may ask for: tensors as views of storages, parameters, and plain containers.
 * The tensors' values lie elsewhere in the file; a pickle only refers to them.
 */
import { elementCount, type FloatArray } from "./float_array.ts";
import { type PickleCall, PickleError, type PickleWorld } from "./pickle_machine.ts";
import { scalarSize, scalarsToFloat32, type ScalarType } from "./scalars.ts";
import { gatherStrided } from "./strided.ts";

/** Element types of PyTorch that are read, by PyTorch's own names. */
export type TorchDtype =
  | "float32"
  | "float64"
  | "float16"
  | "bfloat16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "bool"
  | "complex64"
  | "complex128";

/** One tensor of a checkpoint, its values converted to float32; complex ones have a last axis of real and imaginary part. */
export interface TorchEntry extends FloatArray {
  /** The element type in the file. */
  readonly dtype: TorchDtype;
}

/** The scalar type of each dtype, and how many a value has. */
const SCALARS: Readonly<Record<TorchDtype, readonly [type: ScalarType, perValue: number]>> = {
  float32: ["f4", 1],
  float64: ["f8", 1],
  float16: ["f2", 1],
  bfloat16: ["bf2", 1],
  int64: ["i8", 1],
  int32: ["i4", 1],
  int16: ["i2", 1],
  int8: ["i1", 1],
  uint8: ["u1", 1],
  uint16: ["u2", 1],
  uint32: ["u4", 1],
  uint64: ["u8", 1],
  bool: ["b1", 1],
  complex64: ["f4", 2],
  complex128: ["f8", 2],
};

/** The typed storages of `torch`. */
const STORAGES: Readonly<Record<string, TorchDtype>> = {
  FloatStorage: "float32",
  DoubleStorage: "float64",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
  ComplexFloatStorage: "complex64",
  ComplexDoubleStorage: "complex128",
};

/** A dtype as a value, and as the mark of a typed storage; without a name for an untyped one. */
class DtypeMark {
  constructor(readonly dtype: TorchDtype | undefined) {}
}

/** A run of values in the file. */
export class TorchStorage {
  /** Names it: `key`, its dtype where it has one, and its number of values (bytes, without a dtype). */
  constructor(readonly key: string, readonly dtype: TorchDtype | undefined, readonly length: number) {}

  /** Its bytes in the file; filled in once they are found. */
  bytes: Uint8Array | undefined;

  /** How many bytes it must have. */
  get byteLength(): number {
    return this.length * (this.dtype ? valueSize(this.dtype) : 1);
  }
}

/** A tensor: a view of a storage, in values. */
export class TorchView {
  /** Keeps what the pickle says. */
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: TorchDtype,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}

  /** Number of values. */
  get length(): number {
    return elementCount(this.shape);
  }

  /** The values, once the storage has its bytes. */
  read(littleEndian: boolean): TorchEntry {
    const { dtype } = this;
    const [type, perValue] = SCALARS[dtype];
    const size = valueSize(dtype);
    const bytes = this.storage.bytes!;
    const used = bytes.subarray(this.offset * size, (this.offset + spanOf(this.shape, this.strides)) * size);
    const span = scalarsToFloat32(used, type, littleEndian);
    const data = isDense(this.shape, this.strides)
      ? span
      : gatherStrided(span, this.shape, this.strides, perValue);
    return { dtype, shape: perValue === 2 ? [...this.shape, 2] : this.shape, data };
  }
}

/** What a checkpoint's pickle may use; its storages are collected by key. */
export function torchWorld(storages: Map<string, TorchStorage>): PickleWorld {
  return {
    find: (name) => Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : markOf(name),
    persistent: (id) => {
      const [kind, mark, key, , length, view] = Array.isArray(id) ? id : [];
      if (kind !== "storage" || !(mark instanceof DtypeMark) || !isCount(length)) {
        throw new PickleError(`it refers to ${String(kind)}, which is no storage of numbers`);
      }
      if (view) throw new PickleError("it holds a view of a storage, as PyTorch wrote before 0.4");
      const known = storages.get(String(key));
      const storage = known ?? new TorchStorage(String(key), mark.dtype, length);
      if (storage.dtype !== mark.dtype || storage.length !== length) {
        throw new PickleError(`it describes storage ${key} in two ways`);
      }
      storages.set(storage.key, storage);
      return storage;
    },
  };
}

/** Functions and classes by the names that pickles give them. */
const FUNCTIONS: Readonly<Record<string, unknown>> = {
  "collections.OrderedDict": mapOf,
  "builtins.dict": mapOf,
  "builtins.list": ([items = []]) => listOf(items),
  "builtins.tuple": ([items = []]) => listOf(items),
  "builtins.set": ([items = []]) => new Set(listOf(items)),
  "builtins.frozenset": ([items = []]) => new Set(listOf(items)),
  "__builtin__.set": ([items = []]) => new Set(listOf(items)),
  "__builtin__.frozenset": ([items = []]) => new Set(listOf(items)),
  "_codecs.encode": ([text]) => Uint8Array.from(String(text), (character) => character.charCodeAt(0)),
  "torch.Size": ([items = []]) => listOf(items),
  "torch.device": (args) => args.join(":"),
  "torch._utils._rebuild_tensor": ([storage, offset, shape, strides]) =>
    view(storage, offset, shape, strides),
  "torch._utils._rebuild_tensor_v2": ([storage, offset, shape, strides]) =>
    view(storage, offset, shape, strides),
  "torch._utils._rebuild_tensor_v3": ([storage, offset, shape, strides, , , dtype]) =>
    view(storage, offset, shape, strides, dtype),
  "torch._utils._rebuild_parameter": ([tensor]) => tensor,
  "torch._utils._rebuild_parameter_with_state": ([tensor]) => tensor,
  "torch._tensor._rebuild_from_type_v2": ([rebuild, , args]) => {
    if (typeof rebuild !== "function") throw new PickleError("it rebuilds a tensor with what is no function");
    return (rebuild as PickleCall)(listOf(args));
  },
} satisfies Record<string, PickleCall>;

/** The classes that only name a kind of tensor. */
const TENSOR_KINDS: ReadonlySet<string> = new Set(["torch.Tensor", "torch.nn.parameter.Parameter"]);

/** A typed storage (`torch.FloatStorage`), an untyped one, a dtype (`torch.float32`), a kind of tensor; or undefined. */
function markOf(name: string): unknown {
  if (TENSOR_KINDS.has(name)) return name;
  if (name === "torch.storage.UntypedStorage" || name === "torch.UntypedStorage") {
    return new DtypeMark(undefined);
  }
  const last = name.startsWith("torch.") ? name.slice("torch.".length) : "";
  if (Object.hasOwn(STORAGES, last)) return new DtypeMark(STORAGES[last]);
  return Object.hasOwn(SCALARS, last) ? new DtypeMark(last as TorchDtype) : undefined;
}

function mapOf([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
  if (pairs instanceof Map) return new Map(pairs);
  return new Map(
    listOf(pairs).map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw new PickleError("it makes a dict of what are no pairs");
      }
      return [pair[0], pair[1]];
    }),
  );
}

function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new PickleError("it makes a list of what is no list");
  return [...value];
}

function view(
  storage: unknown,
  offset: unknown,
  shape: unknown,
  strides: unknown,
  mark?: unknown,
): TorchView {
  if (!(storage instanceof TorchStorage)) throw new PickleError("it makes a tensor of what is no storage");
  const dtype = mark instanceof DtypeMark ? mark.dtype : storage.dtype;
  const fail = (reason: string) => new PickleError(`a tensor on storage ${storage.key} ${reason}`);
  if (!dtype) throw fail("has no dtype");
  const isList = (list: unknown): list is number[] => Array.isArray(list) && list.every(isCount);
  if (!isList(shape) || !isList(strides) || strides.length !== shape.length || !isCount(offset)) {
    throw fail(`has shape [${shape}], strides [${strides}] and offset ${offset}`);
  }
  const end = (offset + spanOf(shape, strides)) * valueSize(dtype);
  if (!(end <= storage.byteLength) || elementCount(shape) < 0) {
    throw fail(`of shape [${shape}] ends at byte ${end} of ${storage.byteLength}`);
  }
  return new TorchView(storage, dtype, offset, shape, strides);
}

/** From a view's first value to behind its last one, in values. */
function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return 1 + shape.reduce((span, extent, d) => span + (extent - 1) * strides[d], 0);
}

/** Whether the values lie one after the other, in order. */
function isDense(shape: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== step) return shape.includes(0);
    step *= shape[d];
  }
  return true;
}

function valueSize(dtype: TorchDtype): number {
  const [type, perValue] = SCALARS[dtype];
  return scalarSize(type) * perValue;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
