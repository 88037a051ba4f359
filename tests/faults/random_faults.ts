/**
 * Random failures through the real launcher. Each round starts 2 ... 5 ranks, and one of them is killed, is stopped, throws
 * or exits at a random moment. Checks that every survivor's error names that rank and comes in time, that the launcher
 * names the cause and fails, that nothing hangs, and that no process is left.
 *
 *     deno run -A tests/faults/random_faults.ts [--rounds 500] [--seed 1] [--parallel 1]
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runLauncher } from "./run_launcher.ts";

const WORKER = fileURLToPath(new URL("./fault_worker.ts", import.meta.url));
const FAULTS = ["kill", "exit", "throw", "stop"] as const;
/** How long the survivors may take to notice, with room for a machine that is busy with other things. */
const LIMITS_MS = { kill: 1000, exit: 1000, throw: 1000, stop: 3000 };
const SLACK_MS = 500;
const HANG_MS = 30_000;
/** How the launcher says that a rank ended. */
const ENDINGS = {
  kill: /signal SIGKILL/,
  exit: /exit code 7/,
  throw: /exit code 1: RangeError: injected/,
  stop: /it did not answer/,
};

/** One round as drawn by lot. */
export interface Injection {
  readonly ranks: number;
  readonly victim: number;
  readonly fault: typeof FAULTS[number];
  readonly delayMs: number;
}

/** How a round went: what is wrong, and how long the slowest survivor took to notice, in ms. */
export interface Verdict {
  readonly problems: readonly string[];
  readonly noticedMs: number;
}

/** The injections that belong to a seed. */
export function* drawInjections(rounds: number, seed: number): Generator<Injection> {
  let state = seed >>> 0 || 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
  for (let round = 0; round < rounds; round++) {
    const ranks = 2 + random(4);
    yield { ranks, victim: random(ranks), fault: FAULTS[random(FAULTS.length)], delayMs: random(300) };
  }
}

type Report = Partial<{
  rank: number;
  pid: number;
  failed: number;
  noticed: number;
  name: string;
  message: string;
  ranks: number[];
}>;

function reportsOf(stdout: string): Report[] {
  return stdout.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Runs one round. */
export async function inject({ ranks, victim, fault, delayMs }: Injection): Promise<Verdict> {
  const args = ["-n", `${ranks}`, "--no-prefix", WORKER, `${victim}`, fault, `${delayMs}`];
  const { code, stdout: out, stderr: err, hung } = await runLauncher(args, HANG_MS);
  const reports = reportsOf(out);
  const pids = reports.flatMap(({ pid }) => pid ?? []);
  const survivors = reports.filter(({ noticed }) => noticed !== undefined);
  const failed = reports.find(({ failed }) => failed !== undefined)?.failed ?? NaN;
  const noticedMs = Math.max(...survivors.map(({ noticed }) => noticed! - failed));
  const problems: string[] = [];
  const check = (holds: boolean, problem: string) => void (holds || problems.push(problem));
  check(!hung, "the launcher hung");
  check(code !== 0, "the launcher ended with code 0");
  check(pids.length === ranks, `${pids.length} of ${ranks} ranks started`);
  check(survivors.length === ranks - 1, `${survivors.length} of ${ranks - 1} survivors noticed`);
  for (const { rank, name, message, ranks: named } of survivors) {
    const right = name === "RankFailedError" && named?.length === 1 && named[0] === victim;
    check(right, `rank ${rank} saw ${name}: ${message}`);
  }
  check(noticedMs <= LIMITS_MS[fault] + SLACK_MS, `noticed after ${noticedMs} ms`);
  const cause = /^deepinv-run: rank (\d+) failed: (.*)$/m.exec(err);
  check(cause?.[1] === `${victim}` && ENDINGS[fault].test(cause[2]), `the launcher named ${cause?.[0]}`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  check(!pids.some(isAlive), "a process was left behind");
  if (problems.length > 0) problems.push(out, err);
  return { problems, noticedMs };
}

if (import.meta.main) {
  const options = {
    rounds: { type: "string" },
    seed: { type: "string" },
    parallel: { type: "string" },
  } as const;
  const { values } = parseArgs({ args: Deno.args, options });
  const rounds = Number(values.rounds ?? 500);
  const started = performance.now();
  const injections = drawInjections(rounds, Number(values.seed ?? 1));
  const slowest: Record<string, number> = {};
  const counts: Record<string, number> = {};
  let bad = 0;
  const lane = async (): Promise<void> => {
    for (const injection of injections) {
      const { problems, noticedMs } = await inject(injection);
      counts[injection.fault] = (counts[injection.fault] ?? 0) + 1;
      slowest[injection.fault] = Math.max(slowest[injection.fault] ?? 0, noticedMs);
      if (problems.length === 0) continue;
      bad++;
      console.error(JSON.stringify(injection), problems.join("\n"));
    }
  };
  await Promise.all(Array.from({ length: Number(values.parallel ?? 1) }, lane));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `${rounds} rounds in ${seconds} s, ${bad} bad; rounds`,
    counts,
    "slowest notice in ms",
    slowest,
  );
  Deno.exit(bad === 0 ? 0 : 1);
}
