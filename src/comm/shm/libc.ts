/** The calls of Linux that shared memory needs, through Deno's FFI; loaded on first use. */

const LONG_CALL = ["i64", "pointer", "i32", "i32", "buffer", "pointer", "i32"] as const;
const SYMBOLS = {
  memfd_create: { name: "syscall", parameters: ["i64", "buffer", "u32"], result: "i64" },
  futex: { name: "syscall", parameters: LONG_CALL, result: "i64" },
  futex_async: { name: "syscall", parameters: LONG_CALL, result: "i64", nonblocking: true },
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  posix_fallocate: { parameters: ["i32", "i64", "i64"], result: "i32" },
  mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
  close: { parameters: ["i32"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  clock_gettime: { parameters: ["i32", "pointer"], result: "i32" },
  sched_yield: { parameters: [], result: "i32" },
  sched_getcpu: { parameters: [], result: "i32" },
  sched_getaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  sched_setaffinity: { parameters: ["i32", "usize", "buffer"], result: "i32" },
  errno_location: { name: "__errno_location", parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of the C library. */
export type Libc = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/** Names of the C library: glibc's, musl's. */
const NAMES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

const SYSCALLS = {
  x86_64: { futex: 202n, memfd: 319n },
  aarch64: { futex: 98n, memfd: 279n },
} as const;
/** Longest text that is read, in bytes. */
const TEXT_BYTES = 64;

let loaded: Libc | string | undefined;

/** Loads the C library; the reason, as text, if there is none that can be used. */
export function loadLibc(): Libc | string {
  if (loaded !== undefined) return loaded;
  if (Deno.build.os !== "linux") return loaded = `the system is ${Deno.build.os}, not Linux`;
  const attempts: string[] = [];
  for (const name of NAMES) {
    try {
      return loaded = Deno.dlopen(name, SYMBOLS).symbols;
    } catch (error) {
      attempts.push(error instanceof Error ? error.message.split("\n", 1)[0] : String(error));
    }
  }
  return loaded = attempts.join("; ");
}

/** A C string. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** The number of the last error, as text. */
export function lastError(libc: Libc): string {
  const location = libc.errno_location();
  return location === null ? "unknown error" : `error ${new Deno.UnsafePointerView(location).getUint32()}`;
}

/** An anonymous file in memory; negative if the system refuses. */
export function memfdCreate(libc: Libc, name: string): number {
  const closeOnExec = 1;
  return Number(libc.memfd_create(SYSCALLS[Deno.build.arch].memfd, cString(name), closeOnExec));
}

/** A small text file; `""` if it cannot be read. */
export function readText(libc: Libc, path: string): string {
  const descriptor = libc.open(cString(path), 0, 0);
  if (descriptor < 0) return "";
  const bytes = new Uint8Array(TEXT_BYTES);
  const length = Number(libc.read(descriptor, bytes, BigInt(bytes.length)));
  libc.close(descriptor);
  return new TextDecoder().decode(bytes.subarray(0, Math.max(0, length))).trim();
}

const timespec = (ms: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new BigInt64Array([0n, BigInt(ms) * 1_000_000n]).buffer);
const SLICE = timespec(1);
const THREAD = timespec(50);
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;

/** Blocks for at most 1 ms while the word at `address` is `value`. */
export function futexWait(libc: Libc, address: Deno.PointerValue, value: number): void {
  libc.futex(SYSCALLS[Deno.build.arch].futex, address, FUTEX_WAIT, value, SLICE, null, 0);
}

/** Lets a thread of the runtime block for at most 50 ms while the word at `address` is `value`. */
export async function futexWaitInThread(
  libc: Libc,
  address: Deno.PointerValue,
  value: number,
): Promise<void> {
  await libc.futex_async(SYSCALLS[Deno.build.arch].futex, address, FUTEX_WAIT, value, THREAD, null, 0);
}

/** Wakes all that wait at `address`, in any process. */
export function futexWake(libc: Libc, address: Deno.PointerValue): void {
  libc.futex(SYSCALLS[Deno.build.arch].futex, address, FUTEX_WAKE, 2 ** 31 - 1, null, null, 0);
}
