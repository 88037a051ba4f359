/**
 * Which hosts a job spans, where they meet, and how they know each other.
 *
 * Hosts that meet over a network share a key (DEEPINV_JOB_KEY), from which each start of the job derives its token:
 * HMAC-SHA256(key, [job id, restart count]), so that ranks of an earlier start are strangers to those of a later one.
 */
import { derivePort } from "../src/cluster/environment.ts";
import { type ParsedFlags, usageError } from "./flags.ts";
import { wholeNumber } from "./values.ts";

/** Name of the environment variable that holds the key of a job on several hosts. */
export const JOB_KEY_VARIABLE = "DEEPINV_JOB_KEY";

/** The hosts of a job, seen from one of them. */
export interface Nodes {
  /** Number of hosts, >= 1. */
  count: number;
  /** Number of this host, 0 ... count - 1. */
  rank: number;
  /** Address at which rank 0 listens. */
  masterAddr: string;
  /** Its port, or null for any free one (one host only). */
  masterPort: number | null;
  /** Name of the job; may be empty. */
  jobId: string;
  /** 32 bytes in hex, or null. */
  key: string | null;
  /** Whether hosts may meet without a key. */
  insecure: boolean;
}

const LOOPBACK = "127.0.0.1";
const DEFAULT_PORT = 29500;
const MAX_NODES = 4096;

/** A fresh key, 32 random bytes in hex. */
export function newKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** The secret of one start of a job; the same on all of its hosts. */
export async function jobToken(nodes: Nodes, restartCount: number): Promise<string> {
  const start = JSON.stringify([nodes.jobId, restartCount]);
  if (nodes.key === null) return nodes.count === 1 ? newKey() : `open:${start}`;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", Uint8Array.fromHex(nodes.key), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(start))).toHex();
}

function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || /^127(\.\d+){3}$/.test(address);
}

function hostName(flag: string, text: string): string {
  const host = text.replace(/^\[(.*)\]$/, "$1");
  if (!/^[\w.:%-]+$/.test(host) || /^[0.:]+$/.test(host)) {
    throw usageError(flag, "the address of one host, as the others reach it", JSON.stringify(text));
  }
  return host;
}

function portNumber(flag: string, text: string, nodes: number): number | null {
  return wholeNumber(flag, text, nodes === 1 ? 0 : 1, 65535) || null;
}

function readKey(env: Record<string, string>): string | null {
  const key = env[JOB_KEY_VARIABLE];
  if (!key) return null;
  if (!/^[0-9a-fA-F]{64}$/.test(key)) {
    throw usageError(
      JOB_KEY_VARIABLE,
      "64 hexadecimal digits, as `deepinv-run keygen` prints",
      `${key.length} characters`,
    );
  }
  return key.toLowerCase();
}

/** HOST, HOST:PORT or [IPv6]:PORT in its parts. */
function splitEndpoint(text: string): [host: string, port: string | undefined] {
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text);
  if (match === null) throw usageError("--rdzv-endpoint", "HOST:PORT", JSON.stringify(text));
  return [match[1], match[2]];
}

function readMeetingPoint(
  flags: ParsedFlags,
  count: number,
): { addr: string | undefined; port: number | null | undefined } {
  const endpoint = flags.text("rdzv-endpoint");
  const [addr, port] = [flags.text("master-addr"), flags.text("master-port")];
  if (endpoint === undefined) {
    return {
      addr: addr === undefined ? undefined : hostName("--master-addr", addr),
      port: port === undefined ? undefined : portNumber("--master-port", port, count),
    };
  }
  if (addr !== undefined || port !== undefined) {
    throw usageError("--rdzv-endpoint", "given without --master-addr and --master-port", "both");
  }
  const [host, hostPort] = splitEndpoint(endpoint);
  return {
    addr: hostName("--rdzv-endpoint", host),
    port: hostPort === undefined ? undefined : portNumber("the port of --rdzv-endpoint", hostPort, count),
  };
}

/**
 * The hosts of the job that the flags describe.
 *
 * @param env the launcher's environment, which holds the key
 * @throws {InvalidArgumentError} flags that contradict each other, and hosts that would meet without a key
 */
export function readNodes(flags: ParsedFlags, env: Record<string, string>): Nodes {
  const count = wholeNumber("--nnodes", flags.text("nnodes") ?? "1", 1, MAX_NODES);
  const nodeRank = flags.text("node-rank");
  if (nodeRank === undefined && count > 1) {
    throw usageError("--node-rank", `given with --nnodes ${count}`, "nothing");
  }
  const rank = wholeNumber("--node-rank", nodeRank ?? "0", 0, count - 1);
  const { addr, port } = readMeetingPoint(flags, count);
  if (flags.on("standalone") && (count > 1 || (addr !== undefined && !isLoopback(addr)))) {
    throw usageError("--standalone", "given without other hosts", count > 1 ? `--nnodes ${count}` : addr!);
  }
  if (count > 1 && addr === undefined) {
    throw usageError("--master-addr", `given with --nnodes ${count}`, "nothing");
  }
  const jobId = flags.text("rdzv-id") ?? "";
  const defaultPort = count === 1 ? null : jobId === "" ? DEFAULT_PORT : derivePort(jobId);
  const nodes: Nodes = {
    count,
    rank,
    masterAddr: addr ?? LOOPBACK,
    masterPort: port === undefined ? defaultPort : port,
    jobId,
    key: readKey(env),
    insecure: flags.on("insecure"),
  };
  if (!isLoopback(nodes.masterAddr) && nodes.key === null && !nodes.insecure) {
    throw usageError(
      JOB_KEY_VARIABLE,
      "set to one key on all hosts (`deepinv-run keygen` prints one; --insecure does without)",
      "nothing",
    );
  }
  return nodes;
}
