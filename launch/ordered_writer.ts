/**
 * Writes to one stream in order and in large batches: while a batch is on its way, the next one collects. Beyond a limit
 * the callers wait, so that a slow reader slows the ranks down instead of filling memory.
 */
import { concatBytes } from "./lines.ts";

const MAX_QUEUED_BYTES = 2 ** 20;

/** Writes all of `bytes`, however many calls it takes. */
export async function writeAll(
  stream: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let done = 0; done < bytes.length;) done += await stream.write(bytes.subarray(done));
}

/** A queue in front of a stream. */
export class OrderedWriter {
  readonly #stream: { write(bytes: Uint8Array): Promise<number> };
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #batch = Promise.withResolvers<void>();
  #writing = false;
  #failure: { error: unknown } | null = null;

  /** @param stream where the bytes go, for example `Deno.stdout` */
  constructor(stream: { write(bytes: Uint8Array): Promise<number> }) {
    this.#stream = stream;
  }

  /**
   * Queues bytes, which must not change afterwards. Resolves once there is room for more.
   *
   * @throws what the stream threw for an earlier batch, for example because its reader has gone
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.#rethrow();
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (!this.#writing) void this.#writeBatches();
    if (this.#queuedBytes > MAX_QUEUED_BYTES) await this.#batch.promise;
    this.#rethrow();
  }

  /** Resolves once everything is written. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#batch.promise;
    this.#rethrow();
  }

  #rethrow(): void {
    if (this.#failure) throw this.#failure.error;
  }

  async #writeBatches(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0 && !this.#failure) {
      const bytes = this.#queue.length === 1 ? this.#queue[0] : concatBytes(this.#queue);
      const batch = this.#batch;
      this.#queue = [];
      this.#queuedBytes = 0;
      try {
        await writeAll(this.#stream, bytes);
      } catch (error) {
        this.#failure = { error };
      }
      this.#writing = this.#queue.length > 0 && !this.#failure;
      this.#batch = Promise.withResolvers<void>();
      batch.resolve();
    }
  }
}
