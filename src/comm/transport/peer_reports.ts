/** What ranks tell each other about failures and about themselves, as JSON. Decoding yields a value or nothing. */

import { type FailedProcess, type Failure, FAILURE_KINDS } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Longest last words, in characters. */
const MAX_WORDS = 1000;

/** A failure as bytes. */
export function encodeFailure(failure: Failure): Uint8Array {
  return encoder.encode(JSON.stringify(failure));
}

/** The failure that {@link encodeFailure} wrote, or `undefined`. */
export function decodeFailure(bytes: Uint8Array): Failure | undefined {
  try {
    const { kind, operation, sequence, ranks, detail, processes = [] } = JSON.parse(decoder.decode(bytes));
    if (!FAILURE_KINDS.includes(kind) || !isList(ranks, Number.isInteger) || !isList(processes, isProcess)) {
      return undefined;
    }
    const when = { operation: String(operation), sequence: Number(sequence) };
    return { kind, ...when, ranks, detail: String(detail), processes };
  } catch {
    return undefined;
  }
}

function isList(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isProcess(value: unknown): value is FailedProcess {
  const { rank, host, pid, ending } = value as Record<string, unknown>;
  return Number.isInteger(rank) && Number.isInteger(pid) && typeof host === "string" &&
    typeof ending === "string";
}

/** The last words of a rank as bytes: how it ends. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text.slice(0, MAX_WORDS));
}

/** What {@link encodeText} wrote. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes).slice(0, MAX_WORDS);
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
