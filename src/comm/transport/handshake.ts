/**
 * How two ranks come to trust a connection. C connects to A; K is the job key, n_C and n_A are fresh random numbers:
 *
 *     C -> A  Hello      n_C
 *     A -> C  Challenge  n_A, HMAC_K("challenge", n_C, n_A, c, a, worldSize)
 *     C -> A  Proof      info_C, HMAC_K("proof", n_C, n_A, c, a, worldSize, info_C)
 *     A -> C  Welcome    info_A, HMAC_K("welcome", n_C, n_A, c, a, worldSize, info_A)      or Refuse, likewise
 *     C -> A  Ready
 *
 * From then on the rank of the connection is fixed. A Proof that belongs to no Challenge, because the connection broke
 * in between, is answered by Restart: C begins again. Anything else from an unknown connection is dropped.
 */

import { JobKey, nonce } from "../security.ts";
import { type Frame, Kind, MAX_PAYLOAD } from "../wire.ts";
import type { RoutingKey } from "./zmq_socket.ts";

/** Pending handshakes of strangers kept at a time. */
const MAX_PENDING = 4096;

/** What the handshake tells and asks the transport. */
export interface HandshakeHost {
  readonly rank: number;
  readonly worldSize: number;
  /** Sends a handshake frame with a JSON payload. */
  reply(key: RoutingKey, kind: number, body: Record<string, unknown>): void;
  /** A connecting rank has proved that it belongs to the job; `welcome` or `refuse` it when it suits. */
  proved(key: RoutingKey, rank: number, info: string): void;
  /** Both sides trust the connection; `info` is what the other one told about itself. */
  established(key: RoutingKey, rank: number, info: string): void;
  /** The rank this one connected to has refused and says why. */
  refused(rank: number, info: string): void;
  /** A stranger was turned away. */
  stranger(reason: string): void;
}

interface Pending {
  readonly peer: number;
  readonly connecting: boolean;
  readonly connectorNonce: string;
  acceptorNonce: string;
  stage: "hello" | "challenge" | "proof" | "welcome";
  info: string;
}

/** The handshakes of one rank, on either side. */
export class Handshakes {
  readonly #host: HandshakeHost;
  readonly #key: JobKey;
  readonly #pending = new Map<RoutingKey, Pending>();

  /**
   * @param host the transport
   * @param token the job token
   */
  constructor(host: HandshakeHost, token: string) {
    this.#host = host;
    this.#key = new JobKey(token);
  }

  /** Introduces this rank over a connection to `peer`; call again to start over. */
  hello(key: RoutingKey, peer: number): void {
    this.#hello(key, peer, nonce());
  }

  /** Repeats the introductions that are not answered: they may have reached somebody who then went away. */
  repeat(): void {
    for (const [key, { peer, connecting, stage, connectorNonce }] of [...this.#pending]) {
      if (connecting && stage === "hello") this.#hello(key, peer, connectorNonce);
    }
  }

  #hello(key: RoutingKey, peer: number, connectorNonce: string): void {
    this.#pending.set(key, {
      peer,
      connecting: true,
      connectorNonce,
      acceptorNonce: "",
      stage: "hello",
      info: "",
    });
    this.#host.reply(key, Kind.Hello, { nonce: connectorNonce, worldSize: this.#host.worldSize, to: peer });
  }

  /** Accepts a rank that has proved itself. */
  async welcome(key: RoutingKey, info: string): Promise<void> {
    await this.#conclude(key, Kind.Welcome, "welcome", info);
  }

  /** Turns away a rank that has proved itself, or has not yet. */
  async refuse(key: RoutingKey, info: string): Promise<void> {
    await this.#conclude(key, Kind.Refuse, "refuse", info);
  }

  /** The connection broke before it was established; true if this rank had made it and should start over. */
  broken(key: RoutingKey): boolean {
    const pending = this.#pending.get(key);
    if (pending === undefined || pending.connecting) return pending !== undefined;
    this.#pending.delete(key);
    return false;
  }

  /** Handles a handshake frame; `payload` is its body. Never throws: what makes no sense is dropped. */
  async handle(key: RoutingKey, frame: Frame, payload: Uint8Array): Promise<void> {
    const body = parse(payload);
    if (body === undefined) return this.#host.stranger("a handshake that cannot be read");
    const pending = this.#pending.get(key);
    if (frame.kind === Kind.Hello) return await this.#onHello(key, frame.source, body);
    if (pending === undefined || pending.peer !== frame.source) {
      return this.#host.stranger("a handshake out of turn");
    }
    const mac = text(body, "mac");
    if (frame.kind === Kind.Challenge && pending.connecting && pending.stage === "hello") {
      pending.acceptorNonce = text(body, "nonce");
      if (!await this.#key.verify(this.#terms("challenge", pending), mac)) {
        pending.acceptorNonce = "";
        return this.#host.stranger(`an answer in the name of rank ${pending.peer} with another job's token`);
      }
      pending.stage = "challenge";
      const info = this.info;
      this.#host.reply(key, Kind.Proof, {
        info,
        mac: await this.#key.sign(this.#terms("proof", pending, info)),
      });
    } else if (frame.kind === Kind.Proof && !pending.connecting && pending.stage === "challenge") {
      pending.stage = "proof";
      const info = text(body, "info");
      if (!await this.#key.verify(this.#terms("proof", pending, info), mac)) {
        this.#pending.delete(key);
        return this.#host.stranger(`somebody in the name of rank ${pending.peer} with another job's token`);
      }
      pending.info = info;
      this.#host.proved(key, pending.peer, info);
    } else if (frame.kind === Kind.Ready && !pending.connecting && pending.stage === "welcome") {
      this.#pending.delete(key);
      this.#host.established(key, pending.peer, pending.info);
    } else if (frame.kind === Kind.Welcome || frame.kind === Kind.Refuse) {
      await this.#onConclusion(key, frame.kind, pending, text(body, "info"), mac);
    }
  }

  /** What this rank tells the others about itself. */
  info = "{}";

  async #onHello(key: RoutingKey, source: number, body: Record<string, unknown>): Promise<void> {
    const { rank, worldSize } = this.#host;
    if (body.worldSize !== worldSize || body.to !== rank || source >= worldSize || source <= rank) {
      return this.#host.stranger(`rank ${source} of ${body.worldSize}, looking for rank ${body.to}`);
    }
    const connectorNonce = text(body, "nonce");
    const before = this.#pending.get(key);
    if (before !== undefined && before.connectorNonce === connectorNonce && before.peer === source) return;
    const pending: Pending = {
      peer: source,
      connecting: false,
      connectorNonce,
      acceptorNonce: nonce(),
      stage: "challenge",
      info: "",
    };
    this.#pending.delete(key);
    this.#pending.set(key, pending);
    if (this.#pending.size > MAX_PENDING) this.#pending.delete(this.#pending.keys().next().value!);
    const mac = await this.#key.sign(this.#terms("challenge", pending));
    this.#host.reply(key, Kind.Challenge, { nonce: pending.acceptorNonce, mac });
  }

  async #onConclusion(
    key: RoutingKey,
    kind: number,
    pending: Pending,
    info: string,
    mac: string,
  ): Promise<void> {
    if (!pending.connecting || pending.stage !== "challenge") return;
    const verdict = kind === Kind.Welcome ? "welcome" : "refuse";
    if (!await this.#key.verify(this.#terms(verdict, pending, info), mac)) return;
    this.#pending.delete(key);
    if (verdict === "refuse") return this.#host.refused(pending.peer, info);
    this.#host.reply(key, Kind.Ready, {});
    this.#host.established(key, pending.peer, info);
  }

  async #conclude(key: RoutingKey, kind: number, verdict: string, info: string): Promise<void> {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    pending.stage = "welcome";
    const mac = await this.#key.sign(this.#terms(verdict, pending, info));
    this.#host.reply(key, kind, { info, mac });
  }

  #terms(step: string, pending: Pending, info = ""): string[] {
    const { rank, worldSize } = this.#host;
    const [connector, acceptor] = pending.connecting ? [rank, pending.peer] : [pending.peer, rank];
    const numbers = [connector, acceptor, worldSize].map(String);
    return [step, pending.connectorNonce, pending.acceptorNonce, ...numbers, info];
  }
}

function parse(payload: Uint8Array): Record<string, unknown> | undefined {
  if (payload.length === 0 || payload.length > MAX_PAYLOAD) return undefined;
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof body === "object" && body !== null ? body as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}

function text(body: Record<string, unknown>, field: string): string {
  const value = body[field];
  return typeof value === "string" ? value : "";
}
