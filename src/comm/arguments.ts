/** Checks of what users pass to the collectives, and messages turned back into typed arrays. */

import { InvalidArgumentError } from "../util/errors.ts";
import { type Dtype, dtypeOf, dtypeOfCode, type TypedArray } from "./dtypes.ts";
import { REDUCE_OPS, type ReduceOp } from "./reduce_ops.ts";
import type { Message } from "./transport/transport.ts";

/** The element type of `array`. @throws InvalidArgumentError if it is no supported typed array */
export function requireArray(action: string, argument: string, array: unknown): Dtype {
  const dtype = dtypeOf(array);
  if (dtype !== undefined) return dtype;
  const got = ArrayBuffer.isView(array) ? array.constructor.name : array === null ? "null" : typeof array;
  throw new InvalidArgumentError(action, argument, "a typed array of numbers or big integers", got);
}

/** The one element type of a list. @throws InvalidArgumentError unless it has `size` arrays of one type */
export function requireList(action: string, list: unknown, size: number): Dtype {
  if (!Array.isArray(list) || list.length !== size) {
    const got = Array.isArray(list) ? `${list.length} entries` : list === null ? "null" : typeof list;
    throw new InvalidArgumentError(
      action,
      "the list",
      `an array with one entry for each of ${size} ranks`,
      got,
    );
  }
  const dtypes = list.map((array, index) => requireArray(action, `entry ${index} of the list`, array));
  const other = dtypes.find((dtype) => dtype !== dtypes[0]);
  if (other === undefined) return dtypes[0];
  throw new InvalidArgumentError(
    action,
    "the list",
    "of one element type",
    `${dtypes[0].name} and ${other.name}`,
  );
}

/** Checks an operator. @throws InvalidArgumentError if it is none of sum, avg, min, max, prod */
export function requireOp(action: string, op: ReduceOp): ReduceOp {
  if (REDUCE_OPS.includes(op)) return op;
  throw new InvalidArgumentError(action, "op", `one of ${REDUCE_OPS.join(", ")}`, String(op));
}

/** Checks a rank of the world. @throws InvalidArgumentError unless it is among `ranks` */
export function requireMember(
  action: string,
  argument: string,
  rank: unknown,
  ranks: readonly number[],
): number {
  if (ranks.includes(rank as number)) return rank as number;
  throw new InvalidArgumentError(
    action,
    argument,
    `one of the group's ranks ${ranks.join(", ")}`,
    String(rank),
  );
}

/** Checks a tag. @throws InvalidArgumentError unless it is a 32-bit integer */
export function requireTag(action: string, tag: number): number {
  if (Number.isInteger(tag) && Math.abs(tag) < 2 ** 31) return tag;
  throw new InvalidArgumentError(action, "tag", "a 32-bit integer", String(tag));
}

/** Checks a timeout. @throws InvalidArgumentError unless it is a positive number of milliseconds */
export function requireTimeout(action: string, timeout: number): number {
  if (typeof timeout === "number" && timeout > 0) return timeout;
  throw new InvalidArgumentError(action, "timeout", "a positive number of milliseconds", String(timeout));
}

/** The arrays that messages hold; where there is none, the rank's own. */
export function arraysOf<T extends TypedArray>(messages: readonly (Message | undefined)[], own: T): T[] {
  return messages.map((message) => (message === undefined ? own.slice() : arrayOf(message)) as T);
}

/** The typed array that a message holds. @throws RangeError if its size is no multiple of the element size */
export function arrayOf(message: Message): TypedArray {
  const dtype = dtypeOfCode(message.dtype) ?? dtypeOf(message.bytes)!;
  return dtype.view(message.bytes.buffer, 0, message.bytes.length / dtype.bytesPerElement);
}

/** Bytes of all arrays of a list. */
export function sumBytes(list: readonly TypedArray[]): number {
  return list.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
