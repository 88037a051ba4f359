/**
 * What does a collective of GPU tensors cost, beside its parts? Reading a tensor back, exchanging the values, uploading
 * the result; their sum; and the collective itself, which does the three piece by piece at the same time.
 *
 *     deno run -A bench/gpu_exchange.ts [--ranks 2] [--rounds 9] [--mebibytes 1,4,16,64] [--device gpu] [--transport shm]
 *
 * Medians over the rounds of the slowest rank, all measured in turn in every round.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DistributedContext, Tensor } from "@deepinv/distributed";
import { median } from "./support/median.ts";

const { values } = parseArgs({
  options: {
    ranks: { type: "string", default: "2" },
    rounds: { type: "string", default: "9" },
    mebibytes: { type: "string", default: "1,4,16,64" },
    device: { type: "string", default: "gpu" },
    transport: { type: "string", default: "auto" },
    worker: { type: "boolean", default: false },
  },
});
if (values.worker) await measure(Number(values.rounds), values.mebibytes!.split(",").map(Number));
else await launchRanks();

async function launchRanks(): Promise<void> {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const launch = ["-n", values.ranks!, "--device", values.device!, path("gpu_exchange.ts")];
  const rest = ["--worker", "--rounds", values.rounds!, "--mebibytes", values.mebibytes!];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path("../launch/deepinv_run.ts"), ...launch, ...rest],
    env: { DEEPINV_TRANSPORT: values.transport! },
  }).spawn();
  if (!(await child.status).success) Deno.exit(1);
}

async function measure(rounds: number, sizes: readonly number[]): Promise<void> {
  await using ctx = await DistributedContext.create({ seed: 1 });
  const { device, worldSize } = ctx;
  if (ctx.rank === 0) console.log(`${worldSize} ranks, ${device.name}; milliseconds`);
  for (const mebibytes of sizes) {
    const length = mebibytes * 2 ** 18;
    using x = Tensor.randn([length]);
    const host = await x.data();
    const scratch = new Float32Array(length);
    const upload = async (data: Float32Array) => {
      Tensor.from(data).dispose();
      await device.synchronize();
    };
    const works = {
      "read back": async () => void await x.data(),
      "allReduce of an array": async () => void await ctx.allReduce(scratch),
      "broadcast of an array": async () => void await ctx.broadcast(scratch, 0),
      upload: () => upload(host),
      "allReduce one after the other": async () => await upload(await ctx.allReduce(await x.data())),
      allReduce: async () => {
        (await ctx.allReduce(x)).dispose();
        await device.synchronize();
      },
      broadcast: async () => {
        (await ctx.broadcast(x, 0)).dispose();
        await device.synchronize();
      },
    };
    const times = new Map(Object.keys(works).map((name) => [name, [] as number[]]));
    for (let round = -2; round < rounds; round++) {
      for (const [name, work] of Object.entries(works)) {
        await ctx.barrier();
        const begin = performance.now();
        await work();
        const [slowest] = await ctx.allReduce(Float64Array.of(performance.now() - begin), { op: "max" });
        if (round >= 0) times.get(name)!.push(slowest);
      }
    }
    if (ctx.rank !== 0) continue;
    const time = (name: keyof typeof works) => median(times.get(name)!);
    console.log(`${mebibytes} MiB`);
    for (const name of Object.keys(works)) {
      console.log(`  ${name.padEnd(30)} ${time(name as keyof typeof works).toFixed(2)}`);
    }
    for (const operation of ["allReduce", "broadcast"] as const) {
      const parts = ["read back", `${operation} of an array`, "upload"] as const;
      const sum = parts.reduce((total, part) => total + time(part), 0);
      const ratio = time(operation) / sum;
      console.log(`  ${operation}: ${ratio.toFixed(2)} of the sum of its parts, ${sum.toFixed(2)}`);
    }
  }
}
