/**
 * How fast is allReduce over TCP on this host? Prints, for P = 2 and 4 and 8 B ... 16 MB of float32, the median over
 * the calls of the slowest rank's time, and the bus bandwidth 2 (P-1) / P * bytes / time as nccl-tests defines it.
 *
 *     deno run -A bench/all_reduce_tcp.ts [P,P,...]
 */

import { connect } from "../src/comm/mod.ts";
import { spawnRanks } from "../tests/comm/spawn_ranks.ts";

const SIZES = [8, 512, 4096, 65536, 1 << 20, 4 << 20, 16 << 20];

async function measure(): Promise<void> {
  await using group = await connect({ timeout: 60_000 });
  for (const bytes of SIZES) {
    const x = new Float32Array(bytes / 4);
    const calls = bytes <= 4096 ? 500 : bytes <= 65536 ? 200 : bytes <= 1 << 20 ? 60 : 15;
    for (let call = 0; call < calls / 5; call++) await group.allReduce(x);
    const times = new Float64Array(calls);
    for (let call = 0; call < calls; call++) {
      const started = performance.now();
      await group.allReduce(x);
      times[call] = performance.now() - started;
    }
    const slowest = (await group.allReduce(times, { op: "max" })).sort();
    const [median, best] = [slowest[calls >> 1], slowest[0]];
    const bus = 2 * (group.size - 1) / group.size * bytes / median / 1e6;
    if (group.rank === 0) {
      const cells = [group.size, bytes, (median * 1e3).toFixed(1), (best * 1e3).toFixed(1), bus.toFixed(2)];
      console.log(cells.map((cell) => String(cell).padStart(12)).join(""));
    }
  }
}

if (Deno.env.get("RANK") === undefined) {
  console.log(
    ["ranks", "bytes", "median us", "best us", "bus GB/s"].map((title) => title.padStart(12)).join(""),
  );
  for (const size of (Deno.args[0] ?? "2,4").split(",").map(Number)) {
    const results = await spawnRanks("../../bench/all_reduce_tcp.ts", size).finish(120_000);
    console.log(results[0].stdout.trimEnd());
    for (const { rank, code, stderr } of results) {
      if (code !== 0) console.error(`rank ${rank}: ${code}\n${stderr}`);
    }
  }
} else {
  await measure();
}
