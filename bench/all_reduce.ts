/**
 * How fast is allReduce between the ranks of one host, beside Open MPI, Gloo and C over libzmq?
 *
 *     deno run -A bench/all_reduce.ts [--ranks 2,4] [--rounds 3] [--without gloo,tcp] [--pin]
 *
 * float32 sums of 8 B ... 64 MiB. In each round all contenders run one after the other, so that whatever else the machine
 * does meets all of them; printed are the medians over the rounds of the median time of the slowest rank, and the bus
 * bandwidth 2 (P-1) / P * bytes / time as nccl-tests defines it. Contenders: shared memory with ordinary arrays (`shm`)
 * and with arrays made by `sharedArray` (`in place`), TCP, the steps of TCP in C over libzmq (`C zmq`), Open MPI, Gloo
 * (PyTorch). C programs are compiled on the spot; who cannot run here is named and left out.
 * With `--pin` every rank of every contender stays on one core, which makes short times exact on a machine that is shared.
 */

import { parseArgs } from "node:util";
import { connect, type ProcessGroup } from "../src/comm/mod.ts";
import { spawnRanks } from "../tests/comm/spawn_ranks.ts";
import { median } from "./support/median.ts";

const SIZES = [8, 4096, 65536, 1 << 18, 1 << 20, 4 << 20, 16 << 20, 64 << 20];
/** From here on the ratios count. */
const LONG = 64 * 1024;
const PYTHONS = ["python3", "/usr/bin/python3"];

/** Microseconds by bytes, as lines "bytes time"; `undefined` if the contender cannot run here. */
type Contender = (ranks: number) => Promise<string | undefined>;

/** Calls of each size; the slow contenders need fewer to be as exact. */
function callsFor(bytes: number, isSlow = false): number {
  if (bytes <= 65536) return isSlow ? 100 : bytes <= 4096 ? 10_000 : 1000;
  return bytes <= 1 << 20 ? 60 : bytes <= 16 << 20 ? 11 : 5;
}

function planOf(isSlow: boolean): string[] {
  return SIZES.flatMap((bytes) => [`${bytes}`, `${callsFor(bytes, isSlow)}`]);
}

async function measure(group: ProcessGroup, kind: string): Promise<void> {
  for (const bytes of SIZES) {
    const x = kind === "in-place"
      ? await group.sharedArray("float32", bytes / 4)
      : new Float32Array(bytes / 4);
    const calls = callsFor(bytes, kind === "messages");
    const times = new Float64Array(calls);
    for (let call = -(Math.floor(calls / 4) + 1); call < calls; call++) {
      const started = performance.now();
      await group.allReduce(x);
      if (call >= 0) times[call] = (performance.now() - started) * 1e3;
    }
    const slowest = (await group.allReduce(times, { op: "max" })).sort();
    if (group.rank === 0) console.log(bytes, slowest[calls >> 1]);
  }
}

const isPinned = Deno.args.includes("--pin");

/** The command that runs a rank on a core of its own, as far as there are enough. */
function pinned(rank: number, command: string[]): string[] {
  return isPinned ? ["taskset", "-c", `${rank % navigator.hardwareConcurrency}`, ...command] : command;
}

function ours(transport: string, kind: string): Contender {
  return async (ranks) => {
    const env = { DEEPINV_TRANSPORT: transport };
    const options = { args: [kind], env, wrap: pinned };
    const results = await spawnRanks("../../bench/all_reduce.ts", ranks, options).finish(300_000);
    const failed = results.find(({ code }) => code !== 0);
    if (failed !== undefined) throw new Error(`rank ${failed.rank}: ${failed.stderr}`);
    return results[0].stdout;
  };
}

async function output(command: string, args: string[], env: Record<string, string> = {}) {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command, { args, env }).output();
    const decoder = new TextDecoder();
    return success ? decoder.decode(stdout) : new Error(decoder.decode(stderr).trim());
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function openMpi(): Promise<Contender | Error> {
  const program = await Deno.makeTempFile({ prefix: "all_reduce_mpi_" });
  const source = new URL("peers/all_reduce_mpi.c", import.meta.url).pathname;
  const compiled = await output("mpicc", ["-O2", source, "-o", program]);
  if (compiled instanceof Error) return compiled;
  return async (ranks) => {
    const binding = isPinned ? ["--bind-to", "core:overload-allowed"] : [];
    const options = ["--allow-run-as-root", "--oversubscribe", ...binding, "-np", `${ranks}`];
    const result = await output("mpirun", [...options, program, ...planOf(false)]);
    if (result instanceof Error) throw result;
    return result;
  };
}

/** The steps of our messages in C, over the libzmq of the system. */
async function zmqInC(): Promise<Contender | Error> {
  const program = await Deno.makeTempFile({ prefix: "all_reduce_zmq_" });
  const source = new URL("peers/all_reduce_zmq.c", import.meta.url).pathname;
  const compiled = await output("cc", ["-O3", source, "-o", program, "-lzmq"]);
  if (compiled instanceof Error) return compiled;
  let port = 12_000 + Deno.pid % 20_000;
  return async (ranks) => {
    port += ranks * ranks;
    const results = await Promise.all(Array.from({ length: ranks }, (_, rank) => {
      const plan = [program, `${ranks}`, `${rank}`, `${port}`, ...planOf(true)];
      const [command, ...args] = pinned(rank, plan);
      return output(command, args);
    }));
    for (const result of results) if (result instanceof Error) throw result;
    return results[0] as string;
  };
}

async function gloo(): Promise<Contender | Error> {
  let python: string | undefined;
  for (const candidate of PYTHONS) {
    if (!(await output(candidate, ["-c", "import torch.distributed"]) instanceof Error)) python ??= candidate;
  }
  if (python === undefined) return new Error("no Python with PyTorch");
  const script = new URL("peers/all_reduce_gloo.py", import.meta.url).pathname;
  const port = 12_000 + Deno.pid % 20_000;
  return async (ranks) => {
    const results = await Promise.all(Array.from({ length: ranks }, (_, rank) => {
      const job = {
        RANK: `${rank}`,
        WORLD_SIZE: `${ranks}`,
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: `${port}`,
      };
      const [program, ...args] = pinned(rank, [python, script, ...planOf(true)]);
      return output(program, args, job);
    }));
    for (const result of results) if (result instanceof Error) throw result;
    return results[0] as string;
  };
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

async function compare(ranks: number, rounds: number, contenders: Map<string, Contender>): Promise<void> {
  const times = new Map([...contenders.keys()].map((name) => [name, SIZES.map(() => [] as number[])]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, contender] of contenders) {
      const lines = (await contender(ranks))!.trim().split("\n").map((line) => line.split(" ").map(Number));
      SIZES.forEach((bytes, at) => times.get(name)![at].push(lines.find(([size]) => size === bytes)![1]));
    }
  }
  const medians = new Map([...times].map(([name, rows]) => [name, rows.map(median)]));
  const row = (cells: (string | number)[]) =>
    console.log(cells.map((cell) => `${cell}`.padStart(13)).join(""));
  console.log(`\n${ranks} ranks: microseconds (bus GB/s)`);
  row(["bytes", ...contenders.keys()]);
  SIZES.forEach((bytes, at) => {
    row([
      bytes,
      ...[...medians.values()].map((column) => {
        const bus = 2 * (ranks - 1) / ranks * bytes / column[at] / 1e3;
        return `${column[at].toPrecision(4)} (${bus.toFixed(1)})`;
      }),
    ]);
  });
  const [messages, inC] = [medians.get("tcp"), medians.get("C zmq")];
  if (messages !== undefined && inC !== undefined) {
    const ratios = messages.map((time, at) => time / inC[at]);
    const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
    console.log(
      `tcp: ${geometricMean(ratios).toFixed(2)} (${least} to ${most}) times the time of C over libzmq`,
    );
  }
  const peer = medians.get("Open MPI");
  if (peer === undefined) return;
  for (const [name, column] of medians) {
    if (name === "Open MPI") continue;
    const long = SIZES.flatMap((bytes, at) => bytes >= LONG ? [peer[at] / column[at]] : []);
    console.log(
      `${name}: ${
        geometricMean(long).toFixed(2)
      } times as fast as Open MPI from 64 KiB on (geometric mean); ` +
        `8 B: ${(column[0] / peer[0]).toFixed(2)} times its time`,
    );
  }
}

if (Deno.env.get("RANK") !== undefined) {
  await using group = await connect({ timeout: 60_000 });
  await measure(group, Deno.args[0]);
} else {
  const option = { type: "string" } as const;
  const { values } = parseArgs({
    args: Deno.args,
    options: { ranks: option, rounds: option, without: option, pin: { type: "boolean" } },
  });
  const without = (values.without ?? "").split(",");
  const found: [string, Contender | Error][] = [
    ["shm", ours("shm", "staged")],
    ["in place", ours("shm", "in-place")],
    ["Open MPI", await openMpi()],
    ["tcp", ours("tcp", "messages")],
    ["C zmq", await zmqInC()],
    ["Gloo", await gloo()],
  ];
  const contenders = new Map<string, Contender>();
  for (const [name, contender] of found) {
    if (contender instanceof Error) console.log(`without ${name}: ${contender.message.split("\n")[0]}`);
    else if (!without.includes(name.toLowerCase())) contenders.set(name, contender);
  }
  for (const ranks of (values.ranks ?? "2,4").split(",").map(Number)) {
    await compare(ranks, Number(values.rounds ?? 3), contenders);
  }
}
