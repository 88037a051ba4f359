/**
 * Start, barrier, end, again and again, with real processes through the real launcher: leaving right after the last
 * collective never strands a slower rank.
 *
 *     deno run -A tests/faults/start_end_cycles.ts [--cycles 1000] [--ranks 2]
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const LAUNCHER = fileURLToPath(new URL("../../launch/deepinv_run.ts", import.meta.url));
const WORKER = fileURLToPath(new URL("./cycle_worker.ts", import.meta.url));
const HANG_MS = 15_000;

/** One cycle; what went wrong, or `""`, and how long it took in ms. */
export async function cycle(ranks: number): Promise<{ problem: string; ms: number }> {
  const started = performance.now();
  const launcher = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", LAUNCHER, "-n", `${ranks}`, WORKER],
    ...{ stdin: "null", stdout: "piped", stderr: "piped" },
  }).spawn();
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    launcher.kill("SIGKILL");
  }, HANG_MS);
  const { code, stdout, stderr } = await launcher.output();
  clearTimeout(timer);
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const problem = hung ? `hung\n${said}` : code !== 0 || said !== "" ? `code ${code}\n${said}` : "";
  return { problem, ms: performance.now() - started };
}

if (import.meta.main) {
  const options = { cycles: { type: "string" }, ranks: { type: "string" } } as const;
  const { values } = parseArgs({ args: Deno.args, options });
  const [cycles, ranks] = [Number(values.cycles ?? 1000), Number(values.ranks ?? 2)];
  const times: number[] = [];
  let bad = 0;
  for (let number = 0; number < cycles; number++) {
    const { problem, ms } = await cycle(ranks);
    times.push(ms);
    if (problem === "") continue;
    bad++;
    console.error(`cycle ${number}: ${problem}`);
  }
  times.sort((a, b) => a - b);
  const [median, slowest] = [times[cycles >> 1], times[cycles - 1]].map((ms) => ms.toFixed(0));
  console.log(`${cycles} cycles of ${ranks} ranks, ${bad} bad; ms median ${median}, slowest ${slowest}`);
  Deno.exit(bad === 0 ? 0 : 1);
}
