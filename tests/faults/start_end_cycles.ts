/**
 * Start, barrier, end, again and again, with real processes through the real launcher: leaving right after the last
 * collective never strands a slower rank.
 *
 *     deno run -A tests/faults/start_end_cycles.ts [--cycles 1000] [--ranks 2] [--launchers 1]
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort } from "../../launch/free_port.ts";
import { runLauncher } from "./run_launcher.ts";

const WORKER = fileURLToPath(new URL("./cycle_worker.ts", import.meta.url));
const HANG_MS = 15_000;

/** How a cycle went. */
export interface Cycle {
  /** What went wrong, or `""`. */
  readonly problem: string;
  /** How long it took, in ms. */
  readonly ms: number;
}

/** One cycle: a job of `ranks` ranks under each of `launchers` launchers, which meet as hosts would. */
export async function cycle(ranks: number, launchers = 1): Promise<Cycle> {
  const started = performance.now();
  const meeting = launchers > 1
    ? ["--nnodes", `${launchers}`, "--rdzv-endpoint", `127.0.0.1:${freePort("127.0.0.1")}`]
    : [];
  const problems = await Promise.all(
    Array.from({ length: launchers }, (_, node) => {
      return launch([...meeting, ...launchers > 1 ? ["--node-rank", `${node}`] : [], "-n", `${ranks}`]);
    }),
  );
  return { problem: problems.join(""), ms: performance.now() - started };
}

async function launch(flags: string[]): Promise<string> {
  const { code, stdout, stderr, hung } = await runLauncher([...flags, WORKER], HANG_MS);
  const said = stdout + stderr;
  return hung ? `hung\n${said}` : code !== 0 || said !== "" ? `code ${code}\n${said}` : "";
}

if (import.meta.main) {
  const options = {
    cycles: { type: "string" },
    ranks: { type: "string" },
    launchers: { type: "string" },
  } as const;
  const { values } = parseArgs({ args: Deno.args, options });
  const [cycles, ranks] = [Number(values.cycles ?? 1000), Number(values.ranks ?? 2)];
  const launchers = Number(values.launchers ?? 1);
  const times: number[] = [];
  let bad = 0;
  for (let number = 0; number < cycles; number++) {
    const { problem, ms } = await cycle(ranks, launchers);
    times.push(ms);
    if (problem === "") continue;
    bad++;
    console.error(`cycle ${number}: ${problem}`);
  }
  times.sort((a, b) => a - b);
  const [median, slowest] = [times[cycles >> 1], times[cycles - 1]].map((ms) => ms.toFixed(0));
  console.log(
    `${cycles} cycles of ${launchers} x ${ranks} ranks, ${bad} bad; ms median ${median}, slowest ${slowest}`,
  );
  Deno.exit(bad === 0 ? 0 : 1);
}
