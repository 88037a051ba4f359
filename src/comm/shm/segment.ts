/**
 * Memory that the ranks of one host share, mapped inside a `WebAssembly.Memory` so that WebAssembly computes in place.
 *
 * The creator makes a file that has no name (or none for long), allocates all of it at once, since a full file system
 * would otherwise end a process with SIGBUS, and tells the others how to open it. Mechanisms, best first:
 *
 * - `memfd`: an anonymous file, opened by the others as /proc/PID/fd/N; needs memfd_create and /proc;
 * - `tmpfile`: a nameless file in /dev/shm, opened in the same way; needs O_TMPFILE and /proc;
 * - `file`: a file in /dev/shm with a random name, which is removed as soon as all have opened it.
 */

import { cString, lastError, type Libc, memfdCreate } from "./libc.ts";

/** Ways to make a segment, best first. */
export const MECHANISMS = ["memfd", "tmpfile", "file"] as const;
/** One of {@link MECHANISMS}. */
export type Mechanism = typeof MECHANISMS[number];

/** What a process must know to open a segment. */
export interface Ticket {
  readonly path: string;
  /** 32 hexadecimal digits that the segment starts with. */
  readonly token: string;
  readonly bytes: number;
  /** Whether `path` is to be removed once all have opened it. */
  readonly named: boolean;
}

/** A segment that this process has made, still without a mapping. */
export interface NewSegment {
  readonly descriptor: number;
  readonly ticket: Ticket;
}

/** A mapped segment. */
export interface Segment {
  /** Holds private scratch memory and, from {@link base} on, the shared bytes. */
  readonly memory: WebAssembly.Memory;
  /** The bytes of the memory. */
  readonly buffer: ArrayBuffer;
  /** Address of the first shared byte inside the memory. */
  readonly base: number;
  /** Number of shared bytes. */
  readonly bytes: number;
}

/** Private bytes at the start of the memory, for intermediate results. */
export const SCRATCH_BYTES = 1 << 20;
const WASM_PAGE = 65536;
/** Most shared bytes of one segment, so that a 32-bit address reaches them. */
export const MAX_SEGMENT_BYTES = 2 ** 32 - WASM_PAGE - SCRATCH_BYTES;

const O_RDWR = 2, O_CREAT = 0o100, O_EXCL = 0o200, O_NONBLOCK = 0o4000, O_CLOEXEC = 0o2000000;
/** O_TMPFILE includes O_DIRECTORY, whose bit differs between processors. */
const O_TMPFILE = 0o20000000 | (Deno.build.arch === "aarch64" ? 0o40000 : 0o200000);
const PROT_READ_WRITE = 3, MAP_SHARED = 1, MAP_FIXED = 0x10, MAP_POPULATE = 0x8000;
const SEEK_END = 2;
const DIRECTORY = "/dev/shm";

/** Makes a segment; the reason, as text, if that is impossible. */
export function createSegment(libc: Libc, mechanism: Mechanism, bytes: number): NewSegment | string {
  const token = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const name = `${DIRECTORY}/deepinv-${token}`;
  const descriptor = mechanism === "memfd"
    ? memfdCreate(libc, "deepinv")
    : mechanism === "tmpfile"
    ? libc.open(cString(DIRECTORY), O_TMPFILE | O_RDWR | O_CLOEXEC, 0o600)
    : libc.open(cString(name), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600);
  if (descriptor < 0) return `${mechanism}: ${lastError(libc)}`;
  const named = mechanism === "file";
  const path = named ? name : `/proc/${Deno.pid}/fd/${descriptor}`;
  const give = (reason: string): string => {
    libc.close(descriptor);
    if (named) libc.unlink(cString(name));
    return `${mechanism}: ${reason}`;
  };
  if (libc.ftruncate(descriptor, BigInt(bytes)) !== 0) return give(lastError(libc));
  const refused = libc.posix_fallocate(descriptor, 0n, BigInt(bytes));
  if (refused !== 0) return give(`no room for ${bytes} bytes (error ${refused})`);
  return { descriptor, ticket: { path, token, bytes, named } };
}

/** Writes the token at the start of a segment that this process has made. */
export function sign(segment: Segment, token: string): void {
  new Uint8Array(segment.buffer, segment.base).set(Uint8Array.fromHex(token));
}

/** Opens and maps somebody else's segment; the reason, as text, if that is impossible. */
export function openSegment(libc: Libc, ticket: Ticket): Segment | string {
  const descriptor = libc.open(cString(ticket.path), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
  if (descriptor < 0) return `${ticket.path}: ${lastError(libc)}`;
  try {
    // Where process numbers mean something else, the path may lead to another file.
    if (Number(libc.lseek(descriptor, 0n, SEEK_END)) !== ticket.bytes) {
      return `${ticket.path} is another file`;
    }
    const segment = mapSegment(libc, descriptor, ticket.bytes);
    if (typeof segment === "string") return segment;
    const token = new Uint8Array(segment.buffer, segment.base, 16).toHex();
    return token === ticket.token ? segment : `${ticket.path} is another file`;
  } finally {
    libc.close(descriptor);
  }
}

/** Maps an open segment; the reason, as text, if that is impossible. The mapping ends with its memory. */
export function mapSegment(libc: Libc, descriptor: number, bytes: number): Segment | string {
  const pages = Math.ceil((SCRATCH_BYTES + bytes) / WASM_PAGE);
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    return `no address space for ${bytes} bytes: ${error}`;
  }
  const buffer = memory.buffer as ArrayBuffer;
  const start = Deno.UnsafePointer.of(new Uint8Array(buffer));
  const pointer = Deno.UnsafePointer.create(Deno.UnsafePointer.value(start) + BigInt(SCRATCH_BYTES));
  const flags = MAP_SHARED | MAP_FIXED | MAP_POPULATE;
  const mapped = libc.mmap(pointer, BigInt(bytes), PROT_READ_WRITE, flags, descriptor, 0n);
  if (!Deno.UnsafePointer.equals(mapped, pointer)) return `mmap: ${lastError(libc)}`;
  return { memory, buffer, base: SCRATCH_BYTES, bytes };
}
