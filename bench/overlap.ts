/**
 * What does sending tiles as they finish gain? Ranks denoise a picture tile by tile; each tile is sent while the next one is
 * computed, or all are sent after the last one (what the first call for a shape does). Time of a call, in turn.
 *
 *     deno run -A bench/overlap.ts [--rounds 7] [--ranks 2] [--size 768] [--window 5] [--megabits 200]
 *
 * Ranks are on one host, or, with `--megabits`, each on a host of its own behind a link of so many megabits per second
 * (network namespaces: Linux, root).
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { distribute, DistributedContext, MedianFilter, Tensor } from "@deepinv/distributed";
import { newKey } from "../launch/nodes.ts";
import { NetworkHosts } from "../tests/launch/network_hosts.ts";

const KEY = newKey();

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    ranks: { type: "string", default: "2" },
    size: { type: "string", default: "768" },
    window: { type: "string", default: "3" },
    megabits: { type: "string" },
    worker: { type: "boolean", default: false },
  },
});
if (values.worker) await measure(Number(values.rounds), Number(values.size), Number(values.window));
else if (values.megabits) await launchOnHosts(Number(values.ranks), Number(values.megabits));
else await run(launch("-n", values.ranks));

function launch(...flags: string[]): string[] {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const settings = ["--rounds", values.rounds, "--size", values.size, "--window", values.window];
  const launcher = [Deno.execPath(), "run", "-A", path("../launch/deepinv_run.ts"), "--device", "cpu"];
  return [...launcher, ...flags, path("overlap.ts"), "--worker", ...settings];
}

async function launchOnHosts(ranks: number, megabits: number): Promise<void> {
  using hosts = new NetworkHosts(ranks);
  const endpoint = `${hosts.address(0)}:29500`;
  const all = Array.from({ length: ranks }, (_, host) => {
    hosts.limit(host, megabits);
    const place = ["--nnodes", `${ranks}`, "--node-rank", `${host}`, "--rdzv-endpoint", endpoint];
    return run(hosts.on(host, launch("-n", "1", ...place)));
  });
  await Promise.all(all);
}

async function run([command, ...args]: string[]): Promise<void> {
  const { success } = await new Deno.Command(command, { args, env: { DEEPINV_JOB_KEY: KEY } }).spawn().status;
  if (!success) throw new Error(`Cannot measure: ${command} failed`);
}

async function measure(rounds: number, size: number, kernelSize: number): Promise<void> {
  await using ctx = await DistributedContext.create({ seed: 1 });
  const image = Tensor.randn([1, 3, size, size], { seed: 2 });
  const options = { patchSize: 128, overlap: 8, maxBatchSize: 1 };
  const overlapping = await distribute(new MedianFilter({ kernelSize }), ctx, options);
  const calls = {
    "as they finish": () => overlapping.forward(image, 0),
    "after the last": async () => {
      const fresh = await distribute(new MedianFilter({ kernelSize }), ctx, options);
      return await fresh.forward(image, 0);
    },
    "not at all": () => overlapping.forward(image, 0, { gather: false }),
  };
  const times = new Map(Object.keys(calls).map((name) => [name, [] as number[]]));
  for (let round = -2; round < rounds; round++) {
    for (const [name, call] of Object.entries(calls)) {
      await ctx.barrier();
      const begin = performance.now();
      (await call()).dispose();
      await ctx.barrier();
      if (round >= 0) times.get(name)!.push(performance.now() - begin);
    }
  }
  if (ctx.rank !== 0) return;
  for (const [name, list] of times) {
    const sorted = list.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    console.log(
      `${ctx.worldSize} ranks, ${size} x ${size} x 3, tiles sent ${name}: ${
        sorted[0].toFixed(1)
      } ms at best, median ${median.toFixed(1)} ms`,
    );
  }
}
