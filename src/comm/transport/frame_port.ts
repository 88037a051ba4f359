import { encodeHeader, type Envelope, HEADER_BYTES } from "../wire.ts";
import type { FrameFields } from "./peer_link.ts";
import type { RouterSocket, RoutingKey } from "./zmq_socket.ts";

/** Writes frames in the name of one rank; headers are built in one reused buffer. */
export class FramePort {
  readonly #socket: RouterSocket;
  readonly #rank: number;
  readonly #view = new DataView(new ArrayBuffer(HEADER_BYTES));
  readonly #bytes = new Uint8Array(this.#view.buffer);

  /**
   * @param socket where frames go
   * @param rank the rank that sends them
   */
  constructor(socket: RouterSocket, rank: number) {
    this.#socket = socket;
    this.#rank = rank;
  }

  /** Queues frame number `serial` of a connection; false if the connection is gone. The payload is copied. */
  write(
    key: RoutingKey,
    kind: number,
    envelope: Envelope,
    fields: FrameFields,
    serial: number,
    payload?: Uint8Array,
  ): boolean {
    const { flags = 0, total = 0, offset = 0, consumed = 0 } = fields;
    const { group, sequence, step, tag, operation, dtype, reduceOp, root, count } = envelope;
    encodeHeader(this.#view, {
      ...{ group, sequence, step, tag, operation, dtype, reduceOp, root, count },
      ...{ kind, flags, source: this.#rank, total, offset, consumed, serial: serial >>> 0 },
      payload: payload?.length ?? 0,
    });
    return this.#socket.send(key, this.#bytes, payload);
  }
}
