/** What ranks tell each other about failures and about themselves, as JSON. Decoding yields a value or nothing. */

import { type Failure, FAILURE_KINDS } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A failure as bytes. */
export function encodeFailure(failure: Failure): Uint8Array {
  return encoder.encode(JSON.stringify(failure));
}

/** The failure that {@link encodeFailure} wrote, or `undefined`. */
export function decodeFailure(bytes: Uint8Array): Failure | undefined {
  try {
    const { kind, operation, sequence, ranks, detail } = JSON.parse(decoder.decode(bytes));
    if (!FAILURE_KINDS.includes(kind) || !Array.isArray(ranks) || !ranks.every(Number.isInteger)) {
      return undefined;
    }
    return { kind, operation: String(operation), sequence: Number(sequence), ranks, detail: String(detail) };
  } catch {
    return undefined;
  }
}

/** Host and process that a rank told in its introduction. */
export function decodeInfo(info: string): { host: string; pid: number } {
  try {
    const { host, pid } = JSON.parse(info);
    return { host: String(host), pid: Number(pid) };
  } catch {
    return { host: "unknown", pid: 0 };
  }
}
