/**
 * How two ranks come to trust a connection. C, rank c, connects to A, rank a; K is the job key, n_C and n_A are fresh
 * random numbers and T stands for (n_C, n_A, c, a):
 *
 *     C -> A  Hello      n_C
 *     A -> C  Challenge  n_C, n_A, HMAC_K("challenge", T)
 *     C -> A  Proof      n_C, n_A, info_C, HMAC_K("proof", T, info_C)
 *     A -> C  Welcome    info_A, HMAC_K("welcome", T, info_A)      or Refuse, likewise
 *     C -> A  Ready
 *
 * From then on the rank of the connection is fixed. The socket mends broken connections unseen, so any of these may be
 * lost: C repeats its last frame until it is answered, A answers a Proof of another connection's Challenge with Restart,
 * and whatever does not carry the current numbers is dropped.
 */

import { JobKey, nonce } from "../security.ts";
import { type Frame, Kind } from "../wire.ts";
import type { RoutingKey } from "./zmq_socket.ts";

/** Pending handshakes of strangers kept at a time. */
const MAX_PENDING = 4096;

/** What the handshake tells and asks the transport. */
export interface HandshakeHost {
  readonly rank: number;
  /** Sends a handshake frame with a JSON payload. */
  reply(key: RoutingKey, kind: number, body: Body): void;
  /** A connecting rank has proved that it belongs to the job; `welcome` or `refuse` it when it suits. */
  proved(key: RoutingKey, rank: number, info: string): void;
  /** Both sides trust the connection; `info` is what the other one told about itself. */
  established(key: RoutingKey, rank: number, info: string): void;
  /** The rank this one connected to has refused and says why. */
  refused(rank: number, info: string): void;
  /** A stranger was turned away. */
  stranger(reason: string): void;
}

/** Payload of a handshake frame. */
export type Body = Record<string, string | number>;

interface Pending {
  readonly peer: number;
  readonly connecting: boolean;
  readonly connectorNonce: string;
  acceptorNonce: string;
  /** The last frame this side sent, to be repeated; unset while the first one is being made. */
  last: { kind: number; body: Body } | undefined;
  /** What the connecting side has told about itself, once proved. */
  info: string | undefined;
}

/** The handshakes of one rank, on either side. */
export class Handshakes {
  /** What this rank tells the others about itself. */
  info = "{}";
  readonly #host: HandshakeHost;
  readonly #key: JobKey;
  readonly #pending = new Map<RoutingKey, Pending>();

  /**
   * @param host the transport
   * @param secret what connecting ranks must prove to know
   */
  constructor(host: HandshakeHost, secret: string) {
    this.#host = host;
    this.#key = new JobKey(secret);
  }

  /** Introduces this rank over a connection to `peer`; call again to start over. */
  hello(key: RoutingKey, peer: number): void {
    const connectorNonce = nonce();
    const body = { nonce: connectorNonce, to: peer };
    const last = { kind: Kind.Hello, body };
    this.#pending.set(key, {
      peer,
      connecting: true,
      connectorNonce,
      acceptorNonce: "",
      last,
      info: undefined,
    });
    this.#host.reply(key, last.kind, last.body);
  }

  /** Repeats what this rank said last to those it connects to and that have not welcomed it yet. */
  repeat(): void {
    for (const [key, { connecting, last }] of this.#pending) {
      if (connecting && last !== undefined) this.#host.reply(key, last.kind, last.body);
    }
  }

  /** Whether the handshake over this connection goes on. */
  isPending(key: RoutingKey): boolean {
    return this.#pending.has(key);
  }

  /** The connection broke before it was established: starts over if this rank made it. */
  broken(key: RoutingKey): void {
    const pending = this.#pending.get(key);
    if (pending?.connecting) return this.hello(key, pending.peer);
    if (pending?.info === undefined && this.#pending.delete(key)) {
      this.#host.stranger(`somebody in the name of rank ${pending!.peer} left without a proof`);
    }
    this.#pending.delete(key);
  }

  /** Accepts a rank that has proved itself. */
  async welcome(key: RoutingKey, info: string): Promise<void> {
    await this.#conclude(key, Kind.Welcome, "welcome", info);
  }

  /** Turns away a rank that has proved itself. */
  async refuse(key: RoutingKey, info: string): Promise<void> {
    await this.#conclude(key, Kind.Refuse, "refuse", info);
  }

  /** Handles a handshake frame with its payload; what makes no sense is dropped. */
  async handle(key: RoutingKey, frame: Frame, payload: Uint8Array): Promise<void> {
    const body = parse(payload);
    const pending = this.#pending.get(key);
    if (body === undefined) this.#host.stranger("a handshake that cannot be read");
    else if (frame.kind === Kind.Hello) await this.#onHello(key, frame.source, body, pending);
    else if (frame.kind === Kind.Proof) await this.#onProof(key, body, pending);
    else if (pending === undefined || pending.peer !== frame.source) return;
    else if (!pending.connecting) {
      if (frame.kind === Kind.Ready && pending.last?.kind === Kind.Welcome) this.#onReady(key, pending);
    } else if (frame.kind === Kind.Challenge) await this.#onChallenge(key, body, pending);
    else if (frame.kind === Kind.Restart && body.nonce === pending.connectorNonce) {
      this.hello(key, pending.peer);
    } else if (frame.kind === Kind.Welcome || frame.kind === Kind.Refuse) {
      await this.#onConclusion(key, frame.kind, body, pending);
    }
  }

  async #onHello(key: RoutingKey, source: number, body: Body, before: Pending | undefined): Promise<void> {
    const { rank } = this.#host;
    if (body.to !== rank || source <= rank) {
      return this.#host.stranger(`rank ${source}, looking for rank ${body.to}`);
    }
    const connectorNonce = text(body, "nonce");
    if (before !== undefined && !before.connecting && before.connectorNonce === connectorNonce) {
      if (before.last !== undefined) this.#host.reply(key, before.last.kind, before.last.body);
      return;
    }
    const acceptorNonce = nonce();
    const sides = { peer: source, connecting: false, connectorNonce, acceptorNonce };
    const pending: Pending = { ...sides, last: undefined, info: undefined };
    // Before anything is awaited: a repeated Hello must find this one.
    this.#pending.delete(key);
    this.#pending.set(key, pending);
    if (this.#pending.size > MAX_PENDING) this.#pending.delete(this.#pending.keys().next().value!);
    const mac = await this.#key.sign(this.#terms("challenge", pending));
    pending.last = { kind: Kind.Challenge, body: { echo: connectorNonce, nonce: acceptorNonce, mac } };
    if (this.#pending.get(key) === pending) this.#host.reply(key, pending.last.kind, pending.last.body);
  }

  async #onChallenge(key: RoutingKey, body: Body, pending: Pending): Promise<void> {
    if (body.echo !== pending.connectorNonce || pending.acceptorNonce !== "") return;
    pending.acceptorNonce = text(body, "nonce");
    if (!await this.#key.verify(this.#terms("challenge", pending), text(body, "mac"))) {
      pending.acceptorNonce = "";
      return this.#host.stranger(`an answer in the name of rank ${pending.peer} with another job's token`);
    }
    const { info } = this;
    const mac = await this.#key.sign(this.#terms("proof", pending, info));
    pending.last = {
      kind: Kind.Proof,
      body: { nonce: pending.connectorNonce, challenge: pending.acceptorNonce, info, mac },
    };
    if (this.#pending.get(key) === pending) this.#host.reply(key, pending.last.kind, pending.last.body);
  }

  async #onProof(key: RoutingKey, body: Body, pending: Pending | undefined): Promise<void> {
    if (pending === undefined || pending.connecting || pending.acceptorNonce !== body.challenge) {
      return this.#host.reply(key, Kind.Restart, { nonce: text(body, "nonce") });
    }
    if (pending.info !== undefined) {
      const { last } = pending;
      if (last !== undefined && last.kind !== Kind.Challenge) this.#host.reply(key, last.kind, last.body);
      return;
    }
    const info = text(body, "info");
    pending.info = info;
    if (await this.#key.verify(this.#terms("proof", pending, info), text(body, "mac"))) {
      return this.#host.proved(key, pending.peer, info);
    }
    this.#pending.delete(key);
    this.#host.stranger(`somebody in the name of rank ${pending.peer} with another job's token`);
  }

  async #onConclusion(key: RoutingKey, kind: number, body: Body, pending: Pending): Promise<void> {
    const verdict = kind === Kind.Welcome ? "welcome" : "refuse";
    const info = text(body, "info");
    if (!await this.#key.verify(this.#terms(verdict, pending, info), text(body, "mac"))) return;
    // A refusal stands even if the connection has broken since.
    if (verdict === "refuse") return this.#host.refused(pending.peer, info);
    if (this.#pending.get(key) !== pending) return;
    this.#pending.delete(key);
    this.#host.reply(key, Kind.Ready, {});
    this.#host.established(key, pending.peer, info);
  }

  #onReady(key: RoutingKey, pending: Pending): void {
    this.#pending.delete(key);
    this.#host.established(key, pending.peer, pending.info!);
  }

  async #conclude(key: RoutingKey, kind: number, verdict: string, info: string): Promise<void> {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    pending.last = { kind, body: { info, mac: await this.#key.sign(this.#terms(verdict, pending, info)) } };
    this.#host.reply(key, kind, pending.last.body);
  }

  #terms(step: string, pending: Pending, info = ""): string[] {
    const { rank } = this.#host;
    const [connector, acceptor] = pending.connecting ? [rank, pending.peer] : [pending.peer, rank];
    return [step, pending.connectorNonce, pending.acceptorNonce, String(connector), String(acceptor), info];
  }
}

function parse(payload: Uint8Array): Body | undefined {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof body === "object" && body !== null ? body as Body : undefined;
  } catch {
    return undefined;
  }
}

function text(body: Body, field: string): string {
  const value = body[field];
  return typeof value === "string" ? value : "";
}
