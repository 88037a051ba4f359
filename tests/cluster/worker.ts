/**
 * One rank of a test job: makes a context, sums a number over all ranks, and prints what it knows as a line of JSON.
 *
 * Arguments: `report` (default), `fail RANK` (that rank throws, the others wait for it), `linger` (never ends).
 */
import { DistributedContext } from "../../src/distributed/context.ts";

/** What a rank prints. */
export interface Report {
  rank: number;
  size: number;
  localRank: number;
  localWorldSize: number;
  node: string;
  gpu: string | undefined;
  job: string | undefined;
  sum: number;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const [mode = "report", culprit] = Deno.args;
  await using ctx = await DistributedContext.create({ device: "cpu", timeout: 20_000 });
  const [sum] = await ctx.allReduce(new Float64Array([ctx.rank + 1]));
  await ctx.barrier();
  const report: Report = {
    rank: ctx.rank,
    size: ctx.worldSize,
    localRank: ctx.localRank,
    localWorldSize: ctx.localWorldSize,
    node: Deno.env.get("SLURMD_NODENAME") ?? Deno.hostname(),
    gpu: Deno.env.get("CUDA_VISIBLE_DEVICES"),
    job: Deno.env.get("SLURM_JOB_ID"),
    sum,
  };
  console.log(JSON.stringify(report));
  if (mode === "fail") {
    if (ctx.rank === Number(culprit)) throw new Error("on purpose");
    await ctx.barrier();
  }
  if (mode === "linger") await new Promise((resolve) => setTimeout(resolve, 600_000));
}
