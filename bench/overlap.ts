/**
 * What does sending tiles as they finish gain? Two ranks denoise a picture tile by tile; each tile is sent while the next
 * one is computed, or all are sent after the last one (what the first call for a shape does). Time of a call, in turn.
 *
 *     deno run -A bench/overlap.ts [--rounds 7] [--ranks 2] [--size 768]
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { distribute, DistributedContext, MedianFilter, Tensor } from "@deepinv/distributed";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    ranks: { type: "string", default: "2" },
    size: { type: "string", default: "768" },
    worker: { type: "boolean", default: false },
  },
});
if (values.worker) await measure(Number(values.rounds), Number(values.size));
else await launchRanks();

async function launchRanks(): Promise<void> {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const rest = ["--worker", "--rounds", values.rounds!, "--size", values.size!];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      path("../launch/deepinv_run.ts"),
      "-n",
      values.ranks!,
      "--device",
      "cpu",
      path("overlap.ts"),
      ...rest,
    ],
  }).spawn();
  if (!(await child.status).success) Deno.exit(1);
}

async function measure(rounds: number, size: number): Promise<void> {
  await using ctx = await DistributedContext.create({ seed: 1 });
  const image = Tensor.randn([1, 3, size, size], { seed: 2 });
  const options = { patchSize: 128, overlap: 8, maxBatchSize: 1 };
  const overlapping = await distribute(new MedianFilter({ kernelSize: 3 }), ctx, options);
  const calls = {
    "as they finish": () => overlapping.forward(image, 0),
    "after the last": async () => {
      const fresh = await distribute(new MedianFilter({ kernelSize: 3 }), ctx, options);
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
