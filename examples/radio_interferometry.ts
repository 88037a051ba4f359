/**
 * Radio imaging on any number of ranks: a simulated sky, seen by an array of antennas while the Earth turns, is
 * reconstructed from noisy visibilities by FISTA with total variation.
 *
 *     deno task launch -n 4 examples/radio_interferometry.ts
 *
 * The visibilities are split over the ranks; the algorithm does not notice.
 */
import {
  distribute,
  DistributedContext,
  FISTA,
  GaussianNoise,
  L2,
  plotCurves,
  RadioInterferometry,
  type RunResult,
  splitVisibilities,
  type StackedLinearPhysics,
  Tensor,
  type TensorList,
  TVPrior,
  writeImage,
} from "@deepinv/distributed";
import { compareWithOneProcess } from "./support/comparison.ts";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { earthRotation, radioSky } from "./support/radio_array.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Radio imaging from visibilities that are split over the ranks

  --size N           side of the sky image in pixels (default 256)
  --antennas N       of the array (default 27)
  --times N          samples while the Earth turns, each of all pairs of antennas (default 60)
  --parts N          operators that the visibilities are split into (default: one per rank)
  --iterations N     of FISTA (default 40)
  --noise S          standard deviation of the noise, relative to the visibilities' (default 0.05)
  --lambda L         weight of the total variation (default 0.002)
  --output DIR       where the pictures go (default: the current folder)
  --check            also run on one process, and compare
`;

const DEFAULTS = {
  size: 256,
  antennas: 27,
  times: 60,
  parts: 0,
  iterations: 40,
  noise: 0.05,
  lambda: 0.002,
  output: ".",
  check: false,
};

type Settings = typeof DEFAULTS;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readFlags(args, HELP, DEFAULTS, { size: 8, antennas: 2, parts: 0 });
  await using ctx = await DistributedContext.create({ seed: 42, seedOffset: false });
  const begin = performance.now();
  const truth = radioSky(settings.size, 3);
  const samplesLoc = earthRotation(settings.antennas, settings.times);
  const radio = new RadioInterferometry({ imgSize: [settings.size, settings.size], samplesLoc });
  const parts = splitVisibilities(radio, settings.parts || Math.min(ctx.worldSize, radio.numVisibilities));
  const measurements = await observe(ctx, parts, truth, settings);

  if (ctx.rank === 0) {
    console.log(
      `${settings.size} x ${settings.size} pixels, ${radio.numVisibilities} visibilities in ${parts.length} parts, ` +
        `${ctx.worldSize} ranks on ${ctx.device.name}`,
    );
  }
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const result = await reconstruct(ctx, parts, measurements, truth, settings, progress);
  const seconds = (performance.now() - begin) / 1000;

  if (ctx.rank === 0) {
    await writePictures(settings.output, truth, await parts.A_adjoint(measurements), result);
    printSummary(ctx.stats(), seconds);
  }
  if (!settings.check) return;
  await compareWithOneProcess(
    ctx,
    result.x,
    async (alone) => (await reconstruct(alone, parts, measurements, truth, settings)).x,
  );
}

/** Noisy visibilities, each part's drawn by the rank that holds it. */
async function observe(
  ctx: DistributedContext,
  parts: StackedLinearPhysics,
  truth: Tensor,
  { noise }: Settings,
): Promise<TensorList> {
  const clean = await (await distribute(parts, ctx)).A(truth);
  let squares = 0, count = 0;
  for (const part of clean) {
    const size = await part.norm().item();
    squares += size * size;
    count += part.numel;
  }
  const sigma = noise * Math.sqrt(squares / count);
  for (const [i, part] of [...parts].entries()) part.noiseModel = new GaussianNoise({ sigma, seed: 42 + i });
  return await (await distribute(parts, ctx)).forward(truth);
}

/** The same lines for one rank and for many. */
async function reconstruct(
  ctx: DistributedContext,
  parts: StackedLinearPhysics,
  measurements: TensorList,
  truth: Tensor,
  { iterations, lambda }: Settings,
  progress?: ProgressLine,
): Promise<RunResult> {
  const physics = await distribute(parts, ctx);
  const sqnorm = await physics.computeSqnorm(truth, { localOnly: false });
  const algorithm = new FISTA({
    dataFidelity: await distribute(new L2(), ctx),
    prior: new TVPrior({ nItMax: 10 }),
    stepsize: 0.95 / sqnorm,
    lambda: lambda * sqnorm,
    maxIter: iterations,
  });
  return await algorithm.run(measurements, physics, {
    init: Tensor.zeros(truth.shape),
    xGt: truth,
    onIteration: (info) => progress?.show(info),
  });
}

async function writePictures(
  folder: string,
  truth: Tensor,
  dirty: Tensor,
  { x, metrics }: RunResult,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const brightest = await dirty.max().item();
  await writeImage(
    `${folder}/radio_sky.png`,
    sideBySide([truth, dirty.mul(1 / brightest), x].map(stretched)),
  );
  await plotCurves([{ name: "PSNR (dB)", values: metrics.psnr[0] }], {
    path: `${folder}/radio_convergence.svg`,
    title: "Radio imaging",
    xLabel: "iteration",
    yLabel: "PSNR (dB)",
  });
  console.log(
    `wrote ${folder}/radio_sky.png (sky | dirty image | reconstruction) and ${folder}/radio_convergence.svg`,
  );
}

/** Brightens faint sources. */
function stretched(image: Tensor): Tensor {
  return image.clamp(0, 1).sqrt();
}
