import { PEER_FAILURE_EXIT_CODE } from "../cluster/exit_codes.ts";

let installed = false;

/**
 * Makes the process end with {@link PEER_FAILURE_EXIT_CODE} instead of 0 from now on: the job has not been done, even if
 * the error is swallowed or the script calls `Deno.exit(0)`. Other codes stand.
 */
export function failAtExit(): void {
  Deno.exitCode ||= PEER_FAILURE_EXIT_CODE;
  if (installed) return;
  installed = true;
  globalThis.addEventListener("unload", () => {
    Deno.exitCode ||= PEER_FAILURE_EXIT_CODE;
  });
}
