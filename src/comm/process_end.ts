/**
 * The end of the process, seen from its groups: a rank that ends without closing them still tells the others how, and a
 * rank that ends because of another one says so by its exit code.
 */

import { PEER_FAILURE_EXIT_CODE } from "../cluster/exit_codes.ts";
import { CollectiveTimeoutError, RankFailedError } from "./errors.ts";
import { errorWasPrinted } from "./exit_code.ts";

/** Something open that wants to know. */
export interface EndObserver {
  /** An error that nobody has caught is about to end the process. */
  lastWords(reason: string): void;
  /** The process ends now with an exit code; nothing asynchronous can happen any more. */
  ended(exitCode: number): void;
}

/** The process may end when the handlers of an error return; libzmq's thread has this long to send before, in ms. */
const LAST_WORDS_MS = 50;

const observers = new Set<EndObserver>();
let installed = false;

/** Watches the end of the process for `observer`. */
export function observeEnd(observer: EndObserver): void {
  observers.add(observer);
  if (installed) return;
  installed = true;
  globalThis.addEventListener("error", (event) => tell(event.error));
  globalThis.addEventListener("unhandledrejection", (event) => {
    const error: unknown = event.reason;
    tell(error);
    if (!(error instanceof RankFailedError || error instanceof CollectiveTimeoutError)) return;
    // The runtime's own exit code for uncaught errors would make the consequence look like a cause.
    event.preventDefault();
    console.error(`error: Uncaught (in promise) ${error.stack ?? error}`);
    errorWasPrinted();
    Deno.exit(PEER_FAILURE_EXIT_CODE);
  });
  globalThis.addEventListener("unload", () => {
    for (const observer of observers) observer.ended(Deno.exitCode);
  });
}

/** Ends {@link observeEnd}. */
export function forgetEnd(observer: EndObserver): void {
  observers.delete(observer);
}

function tell(error: unknown): void {
  if (observers.size === 0) return;
  for (const observer of observers) observer.lastWords(`uncaught ${String(error).split("\n", 1)[0]}`);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS_MS);
}
