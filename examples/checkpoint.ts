/**
 * A run that survives failures: FISTA with total variation on a picture seen through three blurs saves its whole state
 * (momentum, warm start of the prior, metrics) every few iterations and, when the launcher starts all ranks again, goes on
 * from the last one. The result is that of a run without a failure on as many ranks, to the last bit.
 *
 *     deno task launch -n 2 --max-restarts 1 examples/checkpoint.ts --fail-at 17
 *
 * Rank 0 alone reads and writes files, so that hosts need no common file system.
 */
import {
  Blur,
  colourScene,
  distribute,
  DistributedContext,
  FISTA,
  gaussianBlur,
  GaussianNoise,
  L2,
  plotCurves,
  RunState,
  saveNpy,
  TVPrior,
  writeImage,
} from "@deepinv/distributed";
import { Checkpoints } from "./support/checkpoints.ts";
import { maxDifference } from "./support/comparison.ts";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Deblurring that resumes from its last checkpoint

  --iterations N     in all (default 30)
  --every N          iterations between checkpoints (default 5)
  --checkpoints DIR  where they are (default: checkpoints); remove it to begin anew
  --fail-at K        the last rank kills itself after iteration K of the first start
  --size N           side of the picture in pixels (default 96)
  --output DIR       where the pictures go (default: the current folder)
  --check            also run without a stop, and compare
`;

const SIGMAS = [1, 1.5, 2];

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readFlags(args, HELP, {
    iterations: 30,
    every: 5,
    checkpoints: "checkpoints",
    failAt: 0,
    size: 96,
    output: ".",
    check: false,
  }, { failAt: 0, size: 16 });
  await using ctx = await DistributedContext.create({ device: "cpu", seed: 0 });
  const begin = performance.now();
  const restarts = Number(Deno.env.get("RESTART_COUNT") ?? 0);
  const truth = colourScene({ size: settings.size, seed: 3 });
  const physics = await distribute(blurAt, ctx, {
    typeObject: "linear_physics",
    numOperators: SIGMAS.length,
  });
  const y = await physics.forward(truth);

  const checkpoints = new Checkpoints(settings.checkpoints);
  const resumeFrom = await lastState(ctx, checkpoints);
  if (ctx.rank === 0) {
    console.log(`start ${restarts} on ${ctx.worldSize} ranks, from iteration ${resumeFrom?.iteration ?? 0}`);
  }
  const algorithm = new FISTA({
    dataFidelity: await distribute(new L2(), ctx),
    prior: new TVPrior({ nItMax: 20 }),
    stepsize: 0.3,
    lambda: 0.01,
    maxIter: settings.iterations,
  });
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const { x, metrics } = await algorithm.run(y, physics, {
    resumeFrom,
    xGt: truth,
    onIteration: async (info) => {
      progress?.show(info);
      const { iteration, state } = info;
      if (iteration % settings.every === 0 && ctx.rank === 0) {
        await checkpoints.save(iteration, await state.encode());
      }
      if (iteration === settings.failAt && restarts === 0 && ctx.rank === ctx.worldSize - 1) {
        console.error(`rank ${ctx.rank} kills itself after iteration ${iteration}, as asked`);
        Deno.kill(Deno.pid, "SIGKILL");
      }
    },
  });

  if (ctx.rank === 0) {
    const { output } = settings;
    await Deno.mkdir(output, { recursive: true });
    await saveNpy(`${output}/checkpoint.npy`, { shape: x.shape, data: await x.data() });
    await writeImage(`${output}/checkpoint.png`, sideBySide([truth, y.get(0), x]));
    await plotCurves([{ name: "cost", values: metrics.cost[0] }], {
      path: `${output}/checkpoint.svg`,
      title: "Cost, across all starts",
      xLabel: "iteration",
      yLabel: "cost",
    });
    console.log(`iteration ${settings.iterations}: PSNR ${metrics.psnr[0].at(-1)?.toFixed(2)} dB`);
    console.log(`wrote ${output}/checkpoint.png (truth | first measurement | reconstruction), .svg and .npy`);
    printSummary(ctx.stats(), (performance.now() - begin) / 1000);
  }
  if (settings.check) {
    const uninterrupted = await algorithm.run(y, physics, { xGt: truth });
    const difference = await maxDifference(x, uninterrupted.x);
    if (difference !== 0) throw new Error(`the result differs from an uninterrupted run's by ${difference}`);
    if (ctx.rank === 0) console.log("identical to a run without a stop");
  }
}

/** Blur `index` with its noise, the same at every start. */
function blurAt(index: number): Blur {
  const noiseModel = new GaussianNoise({ sigma: 0.02, seed: index });
  return new Blur({ filter: gaussianBlur({ sigma: SIGMAS[index] }), padding: "circular", noiseModel });
}

/** The last state that was saved, on all ranks; rank 0 reads it. */
async function lastState(ctx: DistributedContext, checkpoints: Checkpoints): Promise<RunState | undefined> {
  const bytes = await ctx.broadcastObject(ctx.rank === 0 ? await checkpoints.latest() : undefined, 0);
  return bytes && RunState.decode(bytes);
}
