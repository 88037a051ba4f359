/** What a process can learn about its job from the machine, where environment variables do not tell. */

import { readFileSync } from "node:fs";

/** The processes above this one. */
export interface Host {
  /** Id of the parent process. Ranks that a launcher starts directly share it on one host. */
  readonly parentPid: number;
  /** Command lines of the parent, its parent and so on, split into arguments; empty where they cannot be read. */
  ancestors(): string[][];
}

const MAX_DEPTH = 16;

/** The machine this process runs on; nothing is read before it is asked for. */
export function thisHost(): Host {
  return { parentPid: Deno.ppid, ancestors: () => commandLines(Deno.ppid) };
}

/** From `/proc`, which only Linux has and which Deno shows to processes with all permissions. */
function commandLines(first: number): string[][] {
  const lines: string[][] = [];
  try {
    for (let pid = first; pid > 1 && lines.length < MAX_DEPTH;) {
      lines.push(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1));
      const status = readFileSync(`/proc/${pid}/stat`, "utf8");
      // "pid (name) state parent ..."; the name may hold spaces and parentheses.
      pid = Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]);
    }
  } catch {
    // Not readable here: what is known so far.
  }
  return lines;
}
