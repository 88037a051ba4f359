/** Runs the real launcher to its end, or kills it when it hangs. */

import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../launch/deepinv_run.ts", import.meta.url));

/** How the launcher ended. */
export interface Launched {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it had to be killed. */
  readonly hung: boolean;
}

/** Runs the launcher with `args`; it hangs if it is not done within `hangMs`. */
export async function runLauncher(args: readonly string[], hangMs: number): Promise<Launched> {
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", LAUNCHER, ...args],
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    launcher.kill("SIGKILL");
  }, hangMs);
  const { code, stdout, stderr } = await launcher.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr), hung };
}
