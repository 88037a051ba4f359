import { PEER_FAILURE_EXIT_CODE } from "../cluster/exit_codes.ts";

let installed = false;
let unsaid: string | null = null;

/**
 * Makes the process end with {@link PEER_FAILURE_EXIT_CODE} instead of 0 from now on: the job has not been done, even if
 * the error is swallowed or the script calls `Deno.exit(0)`. Other codes stand. At its end the process says on standard
 * error why, so that a caught error still names the rank that failed.
 *
 * @param error the error's name and message; the first one counts
 */
export function failAtExit(error: string): void {
  Deno.exitCode ||= PEER_FAILURE_EXIT_CODE;
  if (installed) return;
  installed = true;
  unsaid = error;
  globalThis.addEventListener("unload", () => {
    Deno.exitCode ||= PEER_FAILURE_EXIT_CODE;
    if (unsaid !== null) console.error(`error: ${unsaid} (caught by the script)`);
  });
}

/** The error has been printed: nothing is left to say at the end. */
export function errorWasPrinted(): void {
  unsaid = null;
}
