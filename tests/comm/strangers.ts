/** Those who have no business with a job, for security_test.ts: each attacks the port of rank 0 again and again. */

import { encodeHeader, HEADER_BYTES, Kind, NO_ENVELOPE } from "../../src/comm/wire.ts";

/** Where to attack. */
export interface Target {
  readonly hostname: string;
  readonly port: number;
}

const encoder = new TextEncoder();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const READY = [4, 41, 5, ...encoder.encode("READY"), 11, ...encoder.encode("Socket-Type")];
const ROUTER_TYPE = [0, 0, 0, 6, ...encoder.encode("ROUTER")];

/** A ZMTP 3.0 greeting with the NULL mechanism, a READY command, then `bytes`. */
function greetingThen(bytes: readonly number[]): Uint8Array<ArrayBuffer> {
  const ready = [...READY, ...ROUTER_TYPE];
  ready[1] = ready.length - 2;
  const greeting = new Uint8Array(64 + ready.length + bytes.length);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0, ...encoder.encode("NULL")]);
  greeting.set([...ready, ...bytes], 64);
  return greeting;
}

/** A valid frame header with a payload that makes no sense, as two ZMTP message frames. */
function introduction(): number[] {
  const payload = encoder.encode('{"nonce":"00","to":0}');
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const fields = { flags: 0, source: 1, total: payload.length, offset: 0, serial: 0, consumed: 0 };
  encodeHeader(view, { ...NO_ENVELOPE, ...fields, kind: Kind.Proof, payload: payload.length + 1 });
  return [1, HEADER_BYTES, ...new Uint8Array(view.buffer), 0, payload.length, ...payload];
}

/** What strangers say who open a connection, write and leave. */
export const UTTERANCES: Record<string, Uint8Array<ArrayBuffer>> = {
  "random bytes": crypto.getRandomValues(new Uint8Array(5000)),
  "another protocol": encoder.encode("GET / HTTP/1.1\r\nHost: deepinv\r\n\r\n"),
  "a frame of 2^62 bytes": greetingThen([2, 64, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]),
  "a frame without a valid payload": greetingThen(introduction()),
};

/** Says the same thing until it was heard so many times. */
export async function utter(target: Target, bytes: Uint8Array, times: number): Promise<void> {
  for (let heard = 0; heard < times;) {
    try {
      using connection = await Deno.connect(target);
      await connection.write(bytes);
      await pause(20);
      heard++;
    } catch {
      // Not listening yet, or thrown out in the middle: both are fine.
      await pause(20);
    }
  }
}

/** Stands between a rank and rank 0, and keeps what the rank says, to say it again. */
export class Recorder implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: Target;
  readonly #recorded: Uint8Array[] = [];

  /** Listens at `hostname` for what is meant for `target`. */
  constructor(hostname: string, target: Target) {
    this.#listener = Deno.listen({ hostname, port: 0 });
    this.#target = target;
    void this.#serve();
  }

  /** Port for the rank. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** All bytes that the rank has sent so far. */
  get recorded(): Uint8Array {
    const all = new Uint8Array(this.#recorded.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of this.#recorded) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }

  async #serve(): Promise<void> {
    for await (const rank of this.#listener) void this.#relay(rank).catch(() => {});
  }

  async #relay(rank: Deno.TcpConn): Promise<void> {
    using _rank = rank;
    using server = await Deno.connect(this.#target);
    const recorder = new TransformStream<Uint8Array, Uint8Array>({
      transform: (part, controller) => {
        this.#recorded.push(part.slice());
        controller.enqueue(part);
      },
    });
    await Promise.all([
      rank.readable.pipeThrough(recorder).pipeTo(server.writable),
      server.readable.pipeTo(rank.writable),
    ]);
  }
}
