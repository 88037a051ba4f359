/** Arrays that come and go piece by piece: from and to a device, while other pieces are exchanged. */

/**
 * What an operation reads and fills in place of the array that it was given, which is then scratch memory: reading one
 * piece, exchanging the one before and storing the one before that overlap. What ranks send each other is the same.
 */
export interface ArrayStream {
  /** Writes this rank's bytes from `start` on into all of `target`. Called in order, once for every byte. */
  fill(start: number, target: Uint8Array): void | Promise<void>;
  /**
   * Stores result bytes, which may change afterwards. Called once for every byte, in any order of pieces.
   *
   * @param start where they belong
   * @param bytes the piece
   * @param from position of the rank that gave them, for operations that gather
   */
  take(start: number, bytes: Uint8Array, from?: number): void;
}

/** How a stream is used by one rank. */
export interface StreamUse {
  /** Whether this rank gives values; default true. */
  gives?: boolean;
  /** Whether it receives the result; default true. */
  receives?: boolean;
}

/** Does `work`, which knows nothing of streams, on `bytes`: filled from the stream before, stored in it afterwards. */
export async function throughArray<T>(
  stream: ArrayStream | undefined,
  bytes: Uint8Array,
  work: () => T | Promise<T>,
  { gives = true, receives = true }: StreamUse = {},
): Promise<T> {
  if (gives) await stream?.fill(0, bytes);
  const result = await work();
  if (receives) stream?.take(0, bytes);
  return result;
}
