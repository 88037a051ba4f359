/**
 * How the ranks of a job find each other. Rank 0 listens at MASTER_ADDR:MASTER_PORT; every other rank listens at a
 * port of its own choice, connects to rank 0 and tells it. Once all are there, rank 0 sends everybody the table of
 * endpoints, and rank i connects to ranks 1 ... i-1. The connections to rank 0 stay in use.
 */

import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import type { ProcessInfo } from "../cluster/process_info.ts";
import { type FailedProcess, type Failure, formatRanks, toError } from "./errors.ts";
import { deriveCurveKeys } from "./curve.ts";
import { decideSecurity, isLoopback } from "./job_security.ts";
import { type Libzmq, loadLibzmq } from "./libzmq.ts";
import { localAddress } from "./local_address.ts";
import type { TransportObserver } from "./transport/transport.ts";
import { ZmqTransport } from "./transport/zmq.ts";
import type { Admission } from "./transport/admission.ts";
import type { RoutingKey } from "./transport/zmq_socket.ts";

/** Ranks other than 0 wait a little longer, so that rank 0 can tell them who is missing. */
const GRACE_MS = 500;
/** Introductions that nobody answers are repeated this often. */
const REPEAT_MS = 200;
/** A rank that leaves before all have met may come back within this time. */
const RETURN_MS = 1000;
/** So long rank 0 tells latecomers that it has given up. */
const LATECOMERS_MS = 500;
/** How long to wait for a way to the master, as while a network interface comes up. */
const NO_ROUTE_PAUSE_MS = 50;

/** What a rank tells about itself in the handshake; only rank 0 sends the table of endpoints. */
interface Introduction {
  readonly endpoint: string;
  readonly worldSize: number;
  readonly host: string;
  readonly pid: number;
  readonly table?: Record<number, string>;
}

/**
 * Connects this process with all others of its job.
 *
 * @param info who this process is
 * @param observer sees the frames of collectives
 * @param timeout how long to wait for the other ranks, in ms
 * @throws CollectiveTimeoutError naming the ranks that did not show up
 * @throws RankFailedError when one comes and is gone again before all are there
 * @throws CollectiveMismatchError when processes disagree on the number of ranks, or two say that they are the same one
 */
export async function rendezvous(
  info: ProcessInfo,
  observer: TransportObserver,
  timeout: number,
): Promise<ZmqTransport> {
  const zmq = await loadLibzmq();
  const address = await resolve(info.masterAddr);
  const { secret, encryptionKey } = await decideSecurity(info, address, Deno.env.toObject());
  const meeting = new Meeting(info, zmq);
  const transport = new ZmqTransport(zmq, {
    rank: info.rank,
    worldSize: info.worldSize,
    secret,
    curve: encryptionKey && await deriveCurveKeys(zmq, encryptionKey),
    ipv6: address.includes(":"),
    observer,
    admission: meeting,
  });
  const wait = info.rank === 0 ? timeout : timeout + GRACE_MS;
  const timer = setTimeout(() => meeting.expire(timeout), wait);
  try {
    await transport.attend(meeting.run(transport, address));
    return transport;
  } catch (error) {
    await transport.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

class Meeting implements Admission {
  readonly #info: ProcessInfo;
  readonly #zmq: Libzmq;
  readonly #present = new Set<number>();
  readonly #waiting = new Map<number, { key: RoutingKey; introduction: Introduction }>();
  readonly #done = Promise.withResolvers<void>();
  readonly #expired = new AbortController();
  #transport!: ZmqTransport;
  /** Why this rank has given up, as it tells those that wait. */
  #verdict: string | undefined;

  constructor(info: ProcessInfo, zmq: Libzmq) {
    this.#info = info;
    this.#zmq = zmq;
  }

  async run(transport: ZmqTransport, address: string): Promise<void> {
    const { rank, worldSize, masterPort } = this.#info;
    this.#transport = transport;
    this.#done.promise.catch(() => {});
    const master = endpointOf(address, String(masterPort));
    if (rank === 0) this.#introduce(transport.listen(master));
    else {
      const own = isLoopback(address)
        ? address
        : await reachableAddress(this.#zmq, address, this.#expired.signal);
      this.#introduce(transport.listen(endpointOf(own, "*")));
      transport.dial(0, master);
    }
    const repeat = setInterval(() => transport.handshakes.repeat(), REPEAT_MS);
    try {
      if (worldSize > 1) await this.#done.promise;
    } finally {
      clearInterval(repeat);
    }
  }

  proved(key: RoutingKey, rank: number, info: string): void {
    if (this.#info.rank !== 0) {
      void this.#transport.handshakes.welcome(key, this.#transport.handshakes.info);
      return;
    }
    const waiting = this.#waiting;
    const wasComplete = waiting.size === this.#info.worldSize - 1;
    const introduction = JSON.parse(info) as Introduction;
    const disagreement = this.#disagreement(rank, introduction);
    if (disagreement !== undefined) this.#giveUp("mismatch", [rank], disagreement);
    if (this.#verdict !== undefined) {
      void this.#transport.handshakes.refuse(key, this.#verdict);
      return;
    }
    waiting.set(rank, { key, introduction });
    if (waiting.size < this.#info.worldSize - 1) return;
    const endpoints = [...waiting].map(([rank, { introduction }]) => [rank, introduction.endpoint] as const);
    const table = Object.fromEntries(endpoints);
    const answer = JSON.stringify({ ...JSON.parse(this.#transport.handshakes.info), table });
    // A rank whose connection broke under way proves itself again.
    const welcomed = wasComplete ? [waiting.get(rank)!] : waiting.values();
    for (const { key } of welcomed) void this.#transport.handshakes.welcome(key, answer);
  }

  established(rank: number, info: string): void {
    this.#present.add(rank);
    if (rank === 0) {
      const { table = {} } = JSON.parse(info) as Introduction;
      for (let lower = 1; lower < this.#info.rank; lower++) this.#transport.dial(lower, table[lower]);
    }
    if (this.#present.size === this.#info.worldSize - 1) this.#done.resolve();
  }

  left(key: RoutingKey): void {
    for (const [rank, { key: last, introduction: { host, pid } }] of this.#waiting) {
      if (last !== key) continue;
      setTimeout(() => {
        if (this.#waiting.get(rank)?.key !== key || this.#present.has(rank)) return;
        const process: FailedProcess = { rank, host, pid, ending: "connection broken" };
        const detail = `rank ${rank} (host ${host}, pid ${pid}) left before all ranks had met`;
        this.#giveUp("rank", [rank], detail, [process]);
      }, RETURN_MS);
    }
  }

  refused(info: string): void {
    this.#done.reject(toError(JSON.parse(info) as Failure, "rendezvous", 0));
  }

  /** The deadline has passed. */
  expire(timeout: number): void {
    const { rank, worldSize, masterAddr, masterPort } = this.#info;
    const others = Array.from({ length: worldSize }, (_, other) => other).filter((other) => other !== rank);
    const unseen = others.filter((other) => !this.#present.has(other));
    const silent = unseen.filter((other) => !this.#waiting.has(other));
    const absent = rank > 0 && unseen.includes(0) ? [0] : silent.length > 0 ? silent : unseen;
    const where = `${masterAddr}:${masterPort}`;
    const detail = `${formatRanks(absent)} did not show up at ${where} within ${timeout} ms`;
    this.#giveUp("timeout", absent, detail);
  }

  /** What is wrong with a rank that belongs to the job; `undefined` if nothing is. */
  #disagreement(rank: number, { worldSize, host, pid }: Introduction): string | undefined {
    const own = this.#info.worldSize;
    if (worldSize !== own) {
      return `rank ${rank} on ${host} was told of ${worldSize} ranks, rank 0 of ${own}; start the same number on every host`;
    }
    const before = this.#waiting.get(rank);
    if (before === undefined || !this.#transport.handshakes.isPending(before.key)) return undefined;
    const { introduction: other } = before;
    if (host === other.host && pid === other.pid) return undefined;
    const places = `${other.host} (pid ${other.pid}) and ${host} (pid ${pid})`;
    return `${places} both say that they are rank ${rank}; give every host its own number`;
  }

  /** Tells the ranks that wait, and for a while those that come late, and ends the rendezvous here. */
  #giveUp(kind: Failure["kind"], ranks: number[], detail: string, processes?: FailedProcess[]): void {
    if (this.#verdict !== undefined) return;
    const failure: Failure = { kind, operation: "rendezvous", sequence: 0, ranks, detail, processes };
    this.#verdict = JSON.stringify(failure);
    for (const { key } of this.#waiting.values()) {
      void this.#transport.handshakes.refuse(key, this.#verdict);
    }
    setTimeout(() => {
      this.#done.reject(toError(failure, "rendezvous", 0));
      this.#expired.abort(toError(failure, "rendezvous", 0));
    }, this.#info.rank === 0 && this.#info.worldSize > 2 ? LATECOMERS_MS : 0);
  }

  #introduce(endpoint: string): void {
    const introduction: Introduction = {
      endpoint,
      worldSize: this.#info.worldSize,
      host: hostname(),
      pid: Deno.pid,
    };
    this.#transport.handshakes.info = JSON.stringify(introduction);
  }
}

function endpointOf(address: string, port: string): string {
  return `tcp://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

async function resolve(host: string): Promise<string> {
  if (host === "localhost") return "127.0.0.1";
  if (/^[\d.]+$/.test(host) || host.includes(":")) return host;
  return (await lookup(host)).address;
}

/** This host's address on the way to the master, as soon as there is a way. */
async function reachableAddress(zmq: Libzmq, master: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    signal.throwIfAborted();
    const address = localAddress(zmq, master);
    if (address !== undefined) return address;
    await new Promise((resolve) => setTimeout(resolve, NO_ROUTE_PAUSE_MS));
  }
}
