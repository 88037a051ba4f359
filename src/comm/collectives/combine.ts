/**
 * Scratch arrays for what arrives, and reductions of them into ordinary arrays. Scratch lies in a small WebAssembly memory
 * that is reused; a reduction copies the accumulator there in blocks that stay in the cache, combines with SIMD and copies
 * back. That needs no time to warm up and is faster than a loop in JavaScript.
 */

import { type Dtype, dtypeOf, type TypedArray } from "../dtypes.ts";
import { reduceInto, type ReduceOp } from "../reduce_ops.ts";
import { ReduceKernels } from "../shm/reduce_kernels.ts";
import { SLICE_BYTES } from "./slices.ts";

/** Bytes of the accumulator in the memory at a time. */
const BLOCK = 32 * 1024;
/** Scratch arrays in the memory, and the bytes of each. */
const SLOTS = 6;
const SLOT = SLICE_BYTES;
/** Shorter arrays are not worth the copies. */
const SHORT_BYTES = 1024;

/** The memory: the accumulator's block, then the slots. */
class Workspace {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly kernels: ReduceKernels;
  /** Addresses of the slots that nobody uses. */
  readonly free = Array.from({ length: SLOTS }, (_, slot) => BLOCK + slot * SLOT);

  constructor() {
    const pages = (BLOCK + SLOTS * SLOT) / 65536;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(pages), maximum: Math.ceil(pages) });
    this.bytes = new Uint8Array(memory.buffer as ArrayBuffer);
    this.kernels = new ReduceKernels(memory);
  }
}

let workspace: Workspace | undefined;

/** An array of `length` elements of the type of `like` with any content, for the time until it is disposed of. */
export class Scratch implements Disposable {
  /** The elements. */
  readonly array: TypedArray;
  readonly #slot: number | undefined;

  /**
   * @param like has the element type
   * @param length number of elements
   */
  constructor(like: TypedArray, length: number) {
    const dtype = dtypeOf(like) as Dtype;
    const bytes = length * dtype.bytesPerElement;
    workspace ??= new Workspace();
    this.#slot = bytes <= SLOT && bytes >= SHORT_BYTES ? workspace.free.pop() : undefined;
    this.array = this.#slot === undefined
      ? dtype.view(new ArrayBuffer(bytes))
      : dtype.view(workspace.bytes.buffer, this.#slot, length);
  }

  /** Gives the memory back; nobody may write into it any more. */
  [Symbol.dispose](): void {
    if (this.#slot !== undefined) workspace!.free.push(this.#slot);
  }
}

/**
 * Combines `from` into `into`, element by element, as {@link reduceInto} does, with the same bits.
 *
 * @param op the operator
 * @param into accumulator, overwritten
 * @param from the other operand, same type and length
 */
export function combineInto(op: ReduceOp, into: TypedArray, from: TypedArray): void {
  const dtype = dtypeOf(into);
  const isFast = workspace !== undefined && from.buffer === workspace.bytes.buffer && dtype !== undefined &&
    ReduceKernels.covers(op, dtype);
  if (!isFast) return reduceInto(op, into, from);
  const { bytes, kernels } = workspace!;
  const sums = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  for (let at = 0; at < sums.length; at += BLOCK) {
    const length = Math.min(BLOCK, sums.length - at);
    const first = from.byteOffset + at;
    bytes.set(length === sums.length ? sums : sums.subarray(at, at + length));
    kernels.reduce(op, dtype, 0, 0, first, 2, length / dtype.bytesPerElement);
    sums.set(bytes.subarray(0, length), at);
  }
}
