/** Which of this host's addresses faces another host: a UDP socket "connects" there, which sends nothing. */

import { isIPv6 } from "node:net";
import type { Libzmq } from "./libzmq.ts";

const DATAGRAM = 2;
const IPV4_FAMILY = 2;
const IPV6_FAMILY = Deno.build.os === "darwin" ? 30 : 10;
const SOCKADDR_BYTES = 28;
const ANY_PORT = 9;

/** This host's numeric address on the way to the numeric address `remote`; `undefined` if there is no way. */
export function localAddress(zmq: Libzmq, remote: string): string | undefined {
  const address = socketAddress(remote);
  const socket = zmq.socket(address.family, DATAGRAM, 0);
  if (socket < 0) return undefined;
  try {
    if (zmq.connect(socket, address.bytes, address.bytes.length) !== 0) return undefined;
    const own = new Uint8Array(SOCKADDR_BYTES);
    if (zmq.getsockname(socket, own, new Uint32Array([SOCKADDR_BYTES])) !== 0) return undefined;
    return address.family === IPV4_FAMILY ? own.subarray(4, 8).join(".") : formatIPv6(own.subarray(8, 24));
  } finally {
    zmq.close(socket);
  }
}

/** A C `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress(remote: string): { family: number; bytes: Uint8Array<ArrayBuffer> } {
  const family = isIPv6(remote) ? IPV6_FAMILY : IPV4_FAMILY;
  const bytes = new Uint8Array(family === IPV4_FAMILY ? 16 : SOCKADDR_BYTES);
  // BSD has a byte for the length where Linux has the low half of the family.
  if (Deno.build.os === "darwin") bytes.set([bytes.length, family]);
  else new DataView(bytes.buffer).setUint16(0, family, true);
  bytes[3] = ANY_PORT;
  if (family === IPV4_FAMILY) bytes.set(remote.split(".").map(Number), 4);
  else bytes.set(parseIPv6(remote), 8);
  return { family, bytes };
}

function parseIPv6(text: string): number[] {
  // The URL parser expands mixed notation and checks the rest.
  const [head, tail] = new URL(`http://[${text.split("%")[0]}]/`).hostname.slice(1, -1).split("::");
  const groups = (part: string | undefined): number[] =>
    part ? part.split(":").map((group) => Number.parseInt(group, 16)) : [];
  const [left, right] = [groups(head), groups(tail)];
  const middle = new Array<number>(8 - left.length - right.length).fill(0);
  return [...left, ...middle, ...right].flatMap((group) => [group >> 8, group & 255]);
}

function formatIPv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, at) => (bytes[2 * at] << 8 | bytes[2 * at + 1]).toString(16));
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}
