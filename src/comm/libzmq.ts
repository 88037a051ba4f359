/**
 * The C interface of libzmq through Deno's FFI. The library is the one inside the npm package `zeromq`, whose addon
 * exports the whole C API; it is loaded on first use, so that a single process never touches it.
 */

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SYMBOLS = {
  zmq_ctx_new: { parameters: [], result: "pointer" },
  zmq_ctx_term: { parameters: ["pointer"], result: "i32", nonblocking: true },
  /** Blocks this thread; for the end of the process. */
  zmq_ctx_term_now: { name: "zmq_ctx_term", parameters: ["pointer"], result: "i32" },
  zmq_socket: { parameters: ["pointer", "i32"], result: "pointer" },
  zmq_close: { parameters: ["pointer"], result: "i32" },
  zmq_bind: { parameters: ["pointer", "buffer"], result: "i32" },
  zmq_connect: { parameters: ["pointer", "buffer"], result: "i32" },
  zmq_disconnect: { parameters: ["pointer", "buffer"], result: "i32" },
  zmq_setsockopt: { parameters: ["pointer", "i32", "buffer", "usize"], result: "i32" },
  zmq_getsockopt: { parameters: ["pointer", "i32", "buffer", "buffer"], result: "i32" },
  zmq_send: { parameters: ["pointer", "buffer", "usize", "i32"], result: "i32" },
  zmq_recv: { parameters: ["pointer", "buffer", "usize", "i32"], result: "i32" },
  zmq_msg_init: { parameters: ["buffer"], result: "i32" },
  zmq_msg_recv: { parameters: ["buffer", "pointer", "i32"], result: "i32" },
  zmq_msg_get: { parameters: ["buffer", "i32"], result: "i32" },
  zmq_msg_data: { parameters: ["buffer"], result: "pointer" },
  zmq_msg_close: { parameters: ["buffer"], result: "i32" },
  zmq_socket_monitor: { parameters: ["pointer", "buffer", "i32"], result: "i32" },
  zmq_curve_public: { parameters: ["buffer", "buffer"], result: "i32" },
  zmq_z85_encode: { parameters: ["buffer", "buffer", "usize"], result: "pointer" },
  zmq_z85_decode: { parameters: ["buffer", "buffer"], result: "pointer" },
  zmq_errno: { parameters: [], result: "i32" },
  zmq_strerror: { parameters: ["i32"], result: "pointer" },
  // The C library is among the addon's own dependencies, so its symbols resolve through the same handle.
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  poll_async: { name: "poll", parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  sched_yield: { parameters: [], result: "i32" },
  pipe: { parameters: ["buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of libzmq and of the C library that the transport calls. */
export type Libzmq = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

/**
 * No usable libzmq was found; the message lists where it was looked for.
 *
 * @example Tell the user of a tool what to install
 * ```ts
 * import assert from "node:assert/strict";
 * import { LibzmqNotFoundError } from "@deepinv/distributed/comm";
 *
 * // As `connect` throws it among several ranks:
 * const error: unknown = new LibzmqNotFoundError(["libzmq.so.5: cannot open shared object file"]);
 * if (error instanceof LibzmqNotFoundError) {
 *   assert.match(error.message, /Set DEEPINV_LIBZMQ to the path/);
 *   assert.equal(error.attempts.length, 1); // every place that was tried, with the reason
 * }
 * ```
 */
export class LibzmqNotFoundError extends Error {
  /** Class name, also across realms. */
  override readonly name = "LibzmqNotFoundError";

  /**
   * Makes the error.
   *
   * @param attempts each place with the reason why it did not do
   */
  constructor(readonly attempts: readonly string[]) {
    super(
      `Cannot load libzmq: looked in\n${attempts.map((attempt) => `  ${attempt}`).join("\n")}\n` +
        "Set DEEPINV_LIBZMQ to the path of a libzmq 4.3 shared library.",
    );
  }
}

/** Folders of the npm package that hold an addon for `os` and `arch`, the most compatible one first. */
export function addonFolders(os: string, arch: string): string[] {
  const cpu = arch === "aarch64" ? "arm64" : "x64";
  if (os === "linux") {
    const libcs = ["glibc-127-Release", "musl-127-Release"];
    return libcs.map((libc) => `build/linux/${cpu}/node/${libc}/addon.node`);
  }
  if (os === "darwin") {
    return ["libc-115-Release", "115"].map((libc) => `build/darwin/${cpu}/node/${libc}/addon.node`);
  }
  return [];
}

/** Names under which a system's own libzmq is found by the dynamic linker. */
function systemNames(os: string): string[] {
  return os === "darwin"
    ? ["libzmq.5.dylib", "/opt/homebrew/lib/libzmq.dylib", "/usr/local/lib/libzmq.dylib"]
    : ["libzmq.so.5", "libzmq.so"];
}

let loaded: Libzmq | undefined;

/**
 * Loads libzmq: `DEEPINV_LIBZMQ` if set (and then nothing else), the npm package's addon, a system library.
 *
 * @throws LibzmqNotFoundError with every place that was tried
 */
export async function loadLibzmq(): Promise<Libzmq> {
  if (loaded !== undefined) return loaded;
  const attempts: string[] = [];
  for (const candidate of await candidates(attempts)) {
    try {
      return loaded = Deno.dlopen(candidate, SYMBOLS).symbols;
    } catch (error) {
      attempts.push(`${candidate}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new LibzmqNotFoundError(attempts);
}

async function candidates(attempts: string[]): Promise<string[]> {
  const chosen = Deno.env.get("DEEPINV_LIBZMQ");
  if (chosen) return [chosen];
  const found: string[] = [];
  try {
    // The literal specifier puts the package into the module graph, so that Deno fetches it wherever this file is
    // imported from: the repository, an outside script, or a registry, where import-map names are not rewritten.
    await import("npm:zeromq@6.8.0/package.json", { with: { type: "json" } });
    const manifest = import.meta.resolve("npm:zeromq@6.8.0/package.json");
    for (const folder of addonFolders(Deno.build.os, Deno.build.arch)) {
      const path = fileURLToPath(new URL(folder, manifest));
      if (existsSync(path)) found.push(path);
      else attempts.push(`${path}: no such file`);
    }
  } catch (error) {
    attempts.push(`npm:zeromq@6.8.0: ${error instanceof Error ? error.message : String(error)}`);
  }
  return [...found, ...systemNames(Deno.build.os)];
}
