/**
 * Several byte arrays that travel together. Short ones are one message: their lengths as float64, then their bytes. Of
 * longer ones the lengths come first and each array follows as a message of its own, without a copy.
 */

import type { Channel } from "../channel.ts";
import { bytesOf } from "../dtypes.ts";
import type { Levels } from "./levels.ts";
import { sumOf } from "./shared_scatter.ts";

/** Most bytes of all arrays together for one message. */
const SHORT_BYTES = 64 * 1024;
const LENGTH_BYTES = 8;

/** Arrays that have arrived or are on their way. */
export interface Bundle {
  /** Element type code that the sender stated. */
  readonly dtype: number;
  /** The arrays, each in memory of its own. */
  readonly parts: readonly (Promise<Uint8Array<ArrayBuffer>>)[];
  /** Bytes of each. */
  readonly lengths: readonly number[];
}

/** Whether arrays of these lengths are one message. */
export function isShortBundle(lengths: readonly number[]): boolean {
  return sumOf(lengths) <= SHORT_BYTES;
}

/** Lengths as they travel. */
export function packLengths(lengths: readonly number[]): Uint8Array {
  return bytesOf(Float64Array.from(lengths));
}

/** The first `count` lengths of a message. */
export function unpackLengths(message: Uint8Array, count: number): number[] {
  return [...new Float64Array(message.buffer, message.byteOffset, count)];
}

/** Lengths and bytes of some arrays as one message. */
export function pack(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const lengths = parts.map(({ length }) => length);
  const message = new Uint8Array(LENGTH_BYTES * parts.length + sumOf(lengths));
  message.set(packLengths(lengths));
  let at = LENGTH_BYTES * parts.length;
  for (const part of parts) {
    message.set(part, at);
    at += part.length;
  }
  return message;
}

/** The `count` arrays of a message made by {@link pack}, as views of it. */
export function unpack(message: Uint8Array<ArrayBuffer>, count: number): Uint8Array<ArrayBuffer>[] {
  let at = LENGTH_BYTES * count;
  return unpackLengths(message, count).map((length) => message.subarray(at, at += length));
}

/** Sends arrays to the rank at `to`; they may change once it resolves. */
export async function sendBundle(channel: Channel, to: number, parts: readonly Uint8Array[]): Promise<void> {
  const lengths = parts.map(({ length }) => length);
  if (isShortBundle(lengths)) return await channel.send(to, 0, pack(parts));
  const sends = parts.map((part, k) => part.length === 0 ? undefined : channel.send(to, k + 1, part));
  await Promise.all([channel.send(to, 0, packLengths(lengths)), ...sends]);
}

/** Receives `count` arrays from the rank at `from`; resolves once their lengths are known. */
export async function receiveBundle(channel: Channel, from: number, count: number): Promise<Bundle> {
  const { dtype, bytes } = await channel.receiveMessage(from, 0);
  const lengths = unpackLengths(bytes, count);
  const arrived = isShortBundle(lengths) ? unpack(bytes, count) : undefined;
  const parts = lengths.map(async (length, k) => {
    if (arrived !== undefined) return arrived[k].slice();
    const part = new Uint8Array(length);
    if (length > 0) await channel.receive(from, k + 1, part);
    return part;
  });
  // Whoever waits for one of them may have failed before it looks at the next.
  void Promise.allSettled(parts);
  return { dtype, parts, lengths };
}

/** What comes from the other ranks of a channel. */
export interface BundleExchange {
  /** By position; `undefined` for the own. */
  readonly bundles: readonly (Bundle | undefined)[];
  /** Resolves once everything has been sent and received. */
  readonly done: Promise<unknown>;
}

/**
 * Exchanges arrays with all other ranks of a channel: `partsFor(to)` for each, `counts[from]` from each. Resolves once all
 * lengths are known.
 */
export async function exchangeBundles(
  channel: Channel,
  attend: Levels["attend"],
  partsFor: (to: number) => readonly Uint8Array[],
  counts: readonly number[],
): Promise<BundleExchange> {
  const { index, size } = channel;
  const distances = Array.from({ length: size - 1 }, (_, k) => k + 1);
  const bundles: (Bundle | undefined)[] = new Array(size).fill(undefined);
  const sends = Promise.all(distances.map((distance) => {
    const to = (index + distance) % size;
    return sendBundle(channel, to, partsFor(to));
  }));
  const receives = Promise.all(distances.map(async (distance) => {
    const from = (index - distance + size) % size;
    bundles[from] = await receiveBundle(channel, from, counts[from]);
  }));
  // What fails here fails for whoever waits for `done`, or for the lengths before.
  void Promise.allSettled([sends]);
  await attend(receives);
  const done = attend(Promise.all([sends, ...bundles.flatMap((bundle) => bundle?.parts ?? [])]));
  void Promise.allSettled([done]);
  return { bundles, done };
}
