/**
 * What do two levels gain for ranks on several hosts? Collectives over shared memory inside hosts and messages between one
 * leader for each ("levels"), beside messages between all ranks ("flat").
 *
 *     deno run -A bench/hosts.ts [--hosts 2] [--ranks 2] [--megabits 200] [--rounds 2] [--bytes 1024,262144]
 *
 * Hosts are network namespaces (Linux, root), each with so many ranks behind a link of so many megabits per second, or as
 * fast as the machine with `--megabits 0`. Printed are medians over the calls of the time of the slowest rank; the two
 * kinds run in turn, and the best of the rounds counts. `bytes` is what one rank gives to, or has for, one other.
 */
import { parseArgs } from "node:util";
import { connect, type ProcessGroup } from "../src/comm/mod.ts";
import { newKey } from "../launch/nodes.ts";
import { NetworkHosts } from "../tests/launch/network_hosts.ts";
import { spawnRanks } from "../tests/comm/spawn_ranks.ts";
import { median } from "./support/median.ts";

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "2" },
    ranks: { type: "string", default: "2" },
    megabits: { type: "string", default: "200" },
    rounds: { type: "string", default: "2" },
    bytes: { type: "string", default: "64,16384,262144" },
    worker: { type: "boolean", default: false },
  },
});

/** Least time for each kind of call and size, in ms; at least three calls. */
const LEAST_MS = 150;

type Operation = (group: ProcessGroup, list: Float32Array[]) => Promise<unknown>;
const OPERATIONS: Record<string, Operation> = {
  allReduce: (group, [x]) => group.allReduce(x.fill(0)),
  broadcast: (group, [x]) => group.broadcast(x, 1),
  allGather: (group, [x]) => group.allGather(x),
  gather: (group, [x]) => group.gather(x, 1),
  scatter: (group, list) => group.scatter(group.rank === 1 ? list : null, 1),
  reduceScatter: (group, list) => group.reduceScatter(list),
  allToAll: (group, list) => group.allToAll(list),
};

async function measure(sizes: readonly number[]): Promise<void> {
  await using group = await connect({ timeout: 120_000 });
  for (const bytes of sizes) {
    const list = group.ranks.map(() => new Float32Array(bytes / 4));
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const times: number[] = [];
      for (let more = 1, spent = 0; more > 0;) {
        await group.barrier();
        const started = performance.now();
        await operation(group, list);
        const ms = Float64Array.of(performance.now() - started);
        [ms[0]] = await group.allReduce(ms, { op: "max" });
        // The first call makes connections fast and code warm.
        if (spent > 0) times.push(ms[0]);
        spent += ms[0];
        more = times.length < 3 || spent < LEAST_MS ? 1 : 0;
      }
      if (group.rank === 0) console.log(name, bytes, median(times));
    }
  }
}

async function run(hosts: NetworkHosts, perHost: number, transport: string): Promise<Map<string, number>> {
  const running = spawnRanks("../../bench/hosts.ts", hosts.count * perHost, {
    args: ["--worker", "--bytes", values.bytes],
    env: { MASTER_ADDR: hosts.address(0), DEEPINV_JOB_KEY: newKey(), DEEPINV_TRANSPORT: transport },
    wrap: (rank, command) => hosts.on(Math.floor(rank / perHost), command),
  });
  const results = await running.finish(280_000);
  const failed = results.find(({ code }) => code !== 0);
  if (failed !== undefined) throw new Error(`rank ${failed.rank}: ${failed.stderr}`);
  const lines = results[0].stdout.trim().split("\n").map((line) => line.split(" "));
  return new Map(lines.map(([name, bytes, ms]) => [`${name} ${bytes}`, Number(ms)]));
}

if (values.worker) await measure(values.bytes.split(",").map(Number));
else {
  const [count, perHost, megabits] = [values.hosts, values.ranks, values.megabits].map(Number);
  using hosts = new NetworkHosts(count);
  for (let host = 0; host < count && megabits > 0; host++) hosts.limit(host, megabits);
  const best = { flat: new Map<string, number>(), levels: new Map<string, number>() };
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [kind, transport] of [["flat", "tcp"], ["levels", "auto"]] as const) {
      for (const [key, ms] of await run(hosts, perHost, transport)) {
        best[kind].set(key, Math.min(ms, best[kind].get(key) ?? Infinity));
      }
    }
  }
  console.log(
    `${count} hosts with ${perHost} ranks, ${megabits || "unlimited"} Mbit/s: ms flat, levels, flat / levels`,
  );
  for (const [key, flat] of best.flat) {
    const levels = best.levels.get(key)!;
    console.log(`${key.padEnd(24)} ${flat.toFixed(2)} ${levels.toFixed(2)} ${(flat / levels).toFixed(2)}`);
  }
}
