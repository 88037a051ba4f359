import { PEER_FAILURE_EXIT_CODE } from "../cluster/exit_codes.ts";
import { RankFailedError } from "./errors.ts";

let installed = false;

/**
 * Makes the process end with {@link PEER_FAILURE_EXIT_CODE} when a `RankFailedError` is never caught: the runtime's own
 * exit code for uncaught errors would make the consequence look like a cause.
 */
export function exitOnUncaughtPeerFailure(): void {
  if (installed) return;
  installed = true;
  globalThis.addEventListener("unhandledrejection", (event) => {
    const error: unknown = event.reason;
    if (!(error instanceof RankFailedError)) return;
    event.preventDefault();
    console.error(`error: Uncaught (in promise) ${error.stack ?? error}`);
    Deno.exit(PEER_FAILURE_EXIT_CODE);
  });
}
