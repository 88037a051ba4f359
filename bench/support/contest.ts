import type { Device } from "../../src/compute/device.ts";
import { openDevice } from "../../src/compute/open.ts";
import { onnxRunner } from "../peers/onnxruntime.ts";
import { tfRunner } from "../peers/tfjs.ts";
import { torchRunner } from "../peers/torch_layers.ts";
import { type LayerGraph, random, type Runner } from "./layer_graph.ts";
import { ourRunner } from "./our_runner.ts";
import { relativeError } from "./relative_error.ts";
import { tensorRunner } from "./tensor_runner.ts";
import { Watchdog } from "./watchdog.ts";

/** Options that programs with contests share. */
export const OPTIONS = {
  threads: { type: "string", default: String(navigator.hardwareConcurrency) },
  limit: { type: "string", default: "300" },
  rounds: { type: "string", default: "5" },
} as const;

/** Who can run a graph. */
export const CONTESTANTS = [
  "cpu",
  "cpu-tensor",
  "torch",
  "ort-node",
  "ort-wasm",
  "gpu",
  "gpu-tensor",
  "ort-webgpu",
  "tfjs-webgpu",
] as const;
/** One of them. */
export type Contestant = (typeof CONTESTANTS)[number];

/** Our devices, opened once. */
export class Devices {
  readonly #open = new Map<string, Device>();

  /** @param threads of the cpu device */
  constructor(threads: number) {
    Deno.env.set("DEEPINV_THREADS", String(threads));
    Deno.env.set("LP_NUM_THREADS", String(threads));
  }

  /** The device, opened at the first call. */
  async get(name: "cpu" | "gpu"): Promise<Device> {
    const device = this.#open.get(name) ?? await openDevice(name);
    this.#open.set(name, device);
    return device;
  }

  /** Closes them. */
  close(): void {
    for (const device of this.#open.values()) device.close();
  }
}

/** The names that were asked for, or all. */
export function contestants(asked: readonly string[]): Contestant[] {
  const unknown = asked.find((name) => !CONTESTANTS.includes(name as Contestant));
  if (unknown !== undefined) {
    console.error(`Unknown contestant ${unknown}; choose from ${CONTESTANTS.join(", ")}`);
    Deno.exit(2);
  }
  return asked.length > 0 ? asked as Contestant[] : [...CONTESTANTS];
}

async function open(
  name: Contestant,
  graph: LayerGraph,
  devices: Devices,
  threads: number,
): Promise<Runner | undefined> {
  if (name === "cpu" || name === "gpu") return ourRunner(await devices.get(name), graph);
  if (name === "cpu-tensor" || name === "gpu-tensor") {
    return tensorRunner(await devices.get(name === "cpu-tensor" ? "cpu" : "gpu"), graph);
  }
  if (name === "tfjs-webgpu") return await tfRunner(graph);
  if (name === "torch") return await torchRunner(graph, threads);
  return await onnxRunner(
    name === "ort-node" ? "node" : name === "ort-wasm" ? "wasm" : "webgpu",
    graph,
    threads,
  );
}

/** Pause before a turn: threads of the contestant before, which wait for work without sleeping, take cores until then. */
const REST_MS = 30;

/** Contestants whose first run takes longer get one timed run, whatever the number of rounds. */
const SLOW_MS = 20_000;

/**
 * Lets all contestants run a graph in turns, after a first run each that does not count, and prints the smallest times
 * of each with its speed by the direct definition, and how far its result lies from the first one's. Whose
 * run takes more than `limit` seconds ends the benchmark: what was measured until then is printed, and this bound.
 */
export async function contest(
  title: string,
  graph: LayerGraph,
  names: readonly Contestant[],
  devices: Devices,
  threads: number,
  rounds: number,
  limit = 300,
): Promise<void> {
  const x = random(graph.channels * graph.size * graph.size, 1);
  const runners = new Map<Contestant, Runner>();
  for (const name of names) {
    const runner = await open(name, graph, devices, threads);
    if (runner) runners.set(name, runner);
    else console.log(`${name}: not installed`);
  }
  const best = new Map<Contestant, number>();
  const turns = new Map<Contestant, number>();
  const results = new Map<Contestant, Float32Array>();
  const report = () => table(title, graph, best, results);
  using watchdog = new Watchdog();
  for (let round = 0; round <= rounds; round++) {
    for (const [name, runner] of runners) {
      if (round > (turns.get(name) ?? rounds)) continue;
      const which = round === 0 ? "its first run" : "one run";
      watchdog.watch(limit, `${report()}\n  ${name.padEnd(12)} > ${limit} s for ${which}, stopped\n`);
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      const start = performance.now();
      const result = await runner.run(x);
      const elapsed = performance.now() - start;
      watchdog.calm();
      const ms = "elapsed" in runner ? Number(runner.elapsed) : elapsed;
      if (round === 0) results.set(name, result.slice());
      else best.set(name, Math.min(best.get(name) ?? Infinity, ms));
      if (round === 0 && elapsed > SLOW_MS) turns.set(name, 1);
    }
  }
  for (const runner of runners.values()) await runner.close();
  console.log(report());
}

/** The smallest times, beside the first contestant's. */
function table(
  title: string,
  graph: LayerGraph,
  best: ReadonlyMap<Contestant, number>,
  results: ReadonlyMap<Contestant, Float32Array>,
): string {
  const [first] = best.keys();
  const lines = [`${title} (${(graph.operations / 1e9).toFixed(1)} GFLOP by the definition)`];
  for (const [name, ms] of best) {
    const speed = (graph.operations / ms / 1e6).toFixed(0);
    const ratio = (ms / best.get(first)!).toFixed(2);
    const difference = relativeError(results.get(name)!, results.get(first)!).toExponential(0);
    lines.push(
      `  ${name.padEnd(12)} ${ms.toFixed(1).padStart(9)} ms ${speed.padStart(5)} GFLOP/s  ${
        ratio.padStart(6)
      } x ${first}  difference ${difference}`,
    );
  }
  return lines.join("\n");
}
