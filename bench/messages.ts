/**
 * How fast are messages between two ranks of one host, through shared memory and over TCP?
 *
 *     deno run -A bench/messages.ts [--rounds 3] [--pairs 1]
 *
 * A message goes there and another one comes back; printed are the medians of half of that time and the bytes in it, the
 * best of the rounds, in which both ways run in turn. Several pairs of ranks do that at the same time. Each message is
 * received into a new array, whose first touch costs more than the rest from some MiB on.
 */
import { parseArgs } from "node:util";
import { connect } from "../src/comm/mod.ts";
import { spawnRanks } from "../tests/comm/spawn_ranks.ts";
import { median } from "./support/median.ts";

const SIZES = [4, 16 << 10, 64 << 10, 128 << 10, 512 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20];
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    pairs: { type: "string", default: "1" },
    worker: { type: "boolean", default: false },
  },
});

async function measure(): Promise<void> {
  await using group = await connect({ timeout: 60_000 });
  const other = group.rank ^ 1;
  for (const bytes of SIZES) {
    await group.barrier();
    const x = new Uint8Array(bytes);
    const times: number[] = [];
    const calls = bytes <= 1 << 20 ? 200 : 7;
    for (let call = -3; call < calls; call++) {
      const started = performance.now();
      if (group.rank < other) await group.send(x, other);
      await group.recv(other);
      if (group.rank > other) await group.send(x, other);
      if (call >= 0) times.push((performance.now() - started) / 2);
    }
    if (group.rank === 0) console.log(bytes, median(times));
  }
}

if (values.worker) await measure();
else {
  const best = new Map<string, number>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const transport of ["tcp", "shm"]) {
      const options = { args: ["--worker"], env: { DEEPINV_TRANSPORT: transport } };
      const results = await spawnRanks("../../bench/messages.ts", 2 * Number(values.pairs), options).finish(
        120_000,
      );
      const failed = results.find(({ code }) => code !== 0);
      if (failed !== undefined) throw new Error(`rank ${failed.rank}: ${failed.stderr}`);
      for (const line of results[0].stdout.trim().split("\n")) {
        const [bytes, ms] = line.split(" ");
        const key = `${transport} ${bytes}`;
        best.set(key, Math.min(Number(ms), best.get(key) ?? Infinity));
      }
    }
  }
  console.log("bytes: ms and MB/s over tcp, through shared memory, ratio");
  for (const bytes of SIZES) {
    const [tcp, shm] = ["tcp", "shm"].map((transport) => best.get(`${transport} ${bytes}`)!);
    const text = [tcp, shm].map((ms) => `${ms.toFixed(3)} ms ${(bytes / ms / 1e3).toFixed(0)} MB/s`);
    console.log(`${String(bytes).padStart(9)}: ${text.join(", ")}, ${(tcp / shm).toFixed(2)}`);
  }
}
