/**
 * How long does a job take to start and end? Four ranks that make a context, meet at one barrier and end, under this
 * project's launcher; beside them, `mpirun` with four Deno processes that do nothing at all. The runs alternate; printed
 * are the medians of the wall times, and what each rank of one more run spent where.
 *
 *     deno run -A bench/launch.ts [runs, default 5]
 */
import { median } from "./support/median.ts";

const RANKS = 4;
const SELF = new URL(import.meta.url);
const LAUNCHER = new URL("../launch/deepinv_run.ts", import.meta.url);
const EMPTY = new URL("./support/empty.ts", import.meta.url);

/** Makes a context, meets the others, ends; prints the milliseconds of each step if `verbose`. */
async function beRank(verbose: boolean): Promise<void> {
  const marks = [0, performance.now()];
  const { DistributedContext } = await import("@deepinv/distributed");
  marks.push(performance.now());
  const ctx = await DistributedContext.create({ device: "cpu" });
  marks.push(performance.now());
  await ctx.barrier();
  marks.push(performance.now());
  await ctx[Symbol.asyncDispose]();
  marks.push(performance.now());
  const steps = ["runtime", "modules", "context", "barrier", "close"];
  const times = steps.map((step, i) => `${step} ${(marks[i + 1] - marks[i]).toFixed(0)} ms`);
  if (verbose) console.log(times.join(", "));
}

async function seconds(program: string, args: string[], show = false): Promise<number> {
  const begin = performance.now();
  const stdout = show ? "inherit" : "null";
  const { success, stderr } = await new Deno.Command(program, { args, stdout, stderr: "piped" }).output();
  if (!success) throw new Error(`${program} failed:\n${new TextDecoder().decode(stderr)}`);
  return (performance.now() - begin) / 1000;
}

function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const deno = Deno.execPath();
const launch = ["run", "-A", LAUNCHER.pathname, "-n", String(RANKS), SELF.pathname];
const mpirun = [
  ...["-n", String(RANKS), "--oversubscribe", ...(Deno.uid() === 0 ? ["--allow-run-as-root"] : [])],
  ...[deno, "run", "-A", EMPTY.pathname],
];

if (Deno.env.get("RANK") !== undefined) {
  await beRank(Deno.args[0] === "steps");
} else {
  const runs = Number(Deno.args[0] ?? 5);
  const peer = isInstalled("mpirun");
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs + 1; run++) {
    const time = await seconds(deno, launch);
    const peerTime = peer ? await seconds("mpirun", mpirun) : NaN;
    // The first run fills caches.
    if (run > 0) [ours.push(time), theirs.push(peerTime)];
  }
  const print = (name: string, text: string) => console.log(name.padEnd(44), text);
  const show = (times: number[]) =>
    `${median(times).toFixed(3)} s  (best ${Math.min(...times).toFixed(3)} s)`;
  print(`launch -n ${RANKS}: context, barrier, end`, show(ours));
  print(`mpirun -n ${RANKS} deno run: empty script`, peer ? show(theirs) : "not installed");
  if (peer) print("ratio", (median(ours) / median(theirs)).toFixed(2));
  console.log("\nwhere the ranks' time goes");
  await seconds(deno, [...launch, "steps"], true);
}
