/**
 * Plug-and-play deblurring on any number of ranks: one colour image, seen through three blurs with noise, is restored by
 * proximal gradient descent with a tiled DRUNet in the place of the proximal operator.
 *
 *     deno task launch -n 2 examples/pnp_deblur.ts --image photo.png
 *
 * The blurs and the denoiser's tiles are spread over the ranks; the algorithm does not notice.
 */
import { parseArgs } from "node:util";
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
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
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

/** What `--check` allows between N ranks and one. */
const TOLERANCE = 1e-4;

interface Settings {
  image?: string;
  size: number;
  sigma: number;
  iterations: number;
  patchSize: number;
  overlap: number;
  output: string;
  check: boolean;
}

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readSettings(args);
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
  if (settings.check) await compareWithOneProcess(ctx, result, denoiser, measurements, truth, settings);
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

async function compareWithOneProcess(
  ctx: DistributedContext,
  { x }: RunResult,
  denoiser: DRUNet,
  measurements: TensorList,
  truth: Tensor,
  settings: Settings,
): Promise<void> {
  if (ctx.rank === 0) {
    const alone = await ctx.single();
    const physics = await distribute(stack(...BLURS.map((_, index) => blurAt(index))), alone);
    const reference = await restore(alone, physics, denoiser, measurements, truth, settings);
    const difference = await x.sub(reference.x).abs().max().item();
    console.log(`largest difference to one process: ${difference.toExponential(2)}`);
    if (!(difference <= TOLERANCE)) {
      throw new Error(`Cannot confirm the result: it differs by more than ${TOLERANCE} from one process's`);
    }
  }
  await ctx.barrier();
}

async function loadTruth({ image, size }: Settings): Promise<Tensor> {
  if (image === undefined) return colourScene({ size, seed: 7 });
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

function readSettings(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      image: { type: "string" },
      size: { type: "string", default: "384" },
      sigma: { type: "string", default: "0.02" },
      iterations: { type: "string", default: "20" },
      "patch-size": { type: "string", default: "192" },
      overlap: { type: "string", default: "32" },
      output: { type: "string", default: "." },
      check: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  return {
    image: values.image,
    size: wholeNumber("--size", values.size),
    sigma: Number(values.sigma),
    iterations: wholeNumber("--iterations", values.iterations),
    patchSize: wholeNumber("--patch-size", values["patch-size"]),
    overlap: wholeNumber("--overlap", values.overlap, 0),
    output: values.output,
    check: values.check,
  };
}

function wholeNumber(flag: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new TypeError(`Cannot run: ${flag} must be a whole number >= ${least}, got "${text}"`);
  }
  return value;
}
