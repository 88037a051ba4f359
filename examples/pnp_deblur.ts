/**
 * Plug-and-play deblurring on any number of ranks: one colour image, seen through three blurs with noise, is restored by
 * proximal gradient descent with a tiled DRUNet in the place of the proximal operator.
 *
 *     deno task launch -n 2 examples/pnp_deblur.ts --image photo.png
 *
 * The blurs and the denoiser's tiles are spread over the ranks; the algorithm does not notice.
 */
import {
  Blur,
  colourScene,
  distribute,
  DistributedContext,
  DRUNet,
  gaussianBlur,
  GaussianNoise,
  L2,
  PGD,
  plotCurves,
  PnP,
  readImage,
  type RunResult,
  stack,
  Tensor,
  type TensorList,
  writeImage,
} from "@deepinv/distributed";
import { compareWithOneProcess } from "./support/comparison.ts";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Plug-and-play deblurring with a tiled DRUNet

  --image FILE       a PNG file; by default a generated colour scene
  --size N           side of the generated scene in pixels (default 384)
  --sigma S          noise level that the denoiser is told (default 0.02)
  --iterations N     of proximal gradient descent (default 20)
  --patch-size N     core of a denoiser tile in pixels (default 192)
  --overlap N        halo around it in pixels (default 32)
  --output DIR       where the pictures go (default: the current folder)
  --check            also run on one process, and compare
`;

const BLURS = [
  { sigma: [1.5, 3], angle: 30, noise: 0.04 },
  { sigma: 2, angle: 0, noise: 0.05 },
  { sigma: 1, angle: 0, noise: 0.03 },
] as const;

const DEFAULTS = {
  image: "",
  size: 384,
  sigma: 0.02,
  iterations: 20,
  patchSize: 192,
  overlap: 32,
  output: ".",
  check: false,
};

type Settings = typeof DEFAULTS;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readFlags(args, HELP, DEFAULTS, { overlap: 0 });
  await using ctx = await DistributedContext.create({ seed: 42, seedOffset: false });
  const begin = performance.now();
  const truth = await loadTruth(settings);
  const denoiser = await DRUNet.create({ weights: "small-color" });
  const physics = await distribute(blurAt, ctx, { typeObject: "linear_physics", numOperators: BLURS.length });
  const measurements = await physics.forward(truth);

  if (ctx.rank === 0) {
    console.log(
      `${truth.shape[3]} x ${
        truth.shape[2]
      } pixels, ${BLURS.length} blurs, ${ctx.worldSize} ranks on ${ctx.device.name}`,
    );
  }
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const result = await restore(ctx, physics, denoiser, measurements, truth, settings, progress);
  const seconds = (performance.now() - begin) / 1000;

  if (ctx.rank === 0) {
    await writePictures(settings.output, truth, measurements, result);
    printSummary(ctx.stats(), seconds);
  }
  if (!settings.check) return;
  await compareWithOneProcess(ctx, result.x, async (alone) => {
    const views = await distribute(stack(...BLURS.map((_, index) => blurAt(index))), alone);
    return (await restore(alone, views, denoiser, measurements, truth, settings)).x;
  });
}

/** Blur `index` with its noise; only the rank that holds it builds it. */
function blurAt(index: number): Blur {
  const { sigma, angle, noise } = BLURS[index];
  return new Blur({
    filter: gaussianBlur({ sigma, angle }),
    padding: "circular",
    noiseModel: new GaussianNoise({ sigma: noise, seed: 42 + index }),
  });
}

/** The same lines for one rank and for many. */
async function restore(
  ctx: DistributedContext,
  physics: Parameters<PGD["run"]>[1],
  denoiser: DRUNet,
  measurements: TensorList,
  truth: Tensor,
  { patchSize, overlap, iterations, sigma }: Settings,
  progress?: ProgressLine,
): Promise<RunResult> {
  const dataFidelity = await distribute(new L2(), ctx);
  const tiled = await distribute(denoiser, ctx, { patchSize, overlap });
  const algorithm = new PGD({
    dataFidelity,
    prior: new PnP({ denoiser: tiled }),
    stepsize: 0.5,
    sigmaDenoiser: sigma,
    maxIter: iterations,
  });
  return await algorithm.run(measurements, physics, {
    init: Tensor.zeros(truth.shape),
    xGt: truth,
    onIteration: (info) => progress?.show(info),
  });
}

async function loadTruth({ image, size }: Settings): Promise<Tensor> {
  if (image === "") return colourScene({ size, seed: 7 });
  const picture = await readImage(image);
  return picture.shape[1] === 3 ? picture : picture.expand([1, 3, ...picture.shape.slice(2)]);
}

async function writePictures(
  folder: string,
  truth: Tensor,
  y: TensorList,
  { x, metrics }: RunResult,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await writeImage(`${folder}/reconstruction.png`, sideBySide([truth, y.get(0), x]));
  await plotCurves([{ name: "PSNR (dB)", values: metrics.psnr[0] }], {
    path: `${folder}/convergence.svg`,
    title: "Plug-and-play deblurring",
    xLabel: "iteration",
    yLabel: "PSNR (dB)",
  });
  console.log(
    `wrote ${folder}/reconstruction.png (truth | first measurement | reconstruction) and ${folder}/convergence.svg`,
  );
}
