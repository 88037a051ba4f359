/**
 * Accelerated magnetic resonance imaging: a complex image is seen by several coils, of whose k-space one line in a few is
 * measured, with noise. The coils are spread over the ranks; plug-and-play ADMM finds the image.
 *
 *     deno task launch -n 4 examples/mri_multicoil.ts --coils 8 --acceleration 4
 */
import {
  ADMM,
  birdcageMaps,
  type DataFidelity,
  distribute,
  DistributedContext,
  GaussianNoise,
  L2,
  type LinearPhysics,
  MultiCoilMRI,
  PnP,
  psnr,
  RandomMaskGenerator,
  type RunResult,
  sheppLogan,
  splitCoils,
  Tensor,
  type TensorList,
  TVDenoiser,
  writeImage,
} from "@deepinv/distributed";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Accelerated multi-coil MRI by plug-and-play ADMM

  --size N           side of the phantom in pixels (default 96)
  --coils N          coils around it (default 8)
  --acceleration N   k-space lines per measured one (default 4)
  --parts N          groups of coils that are spread over the ranks, at most the coils (default 4)
  --iterations N     of ADMM (default 20)
  --output DIR       where the picture goes (default: the current folder)
`;

/** Standard deviation of the noise on k-space. */
const NOISE = 0.01;

const DEFAULTS = { size: 96, coils: 8, acceleration: 4, parts: 4, iterations: 20, output: "." };

type Settings = typeof DEFAULTS;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readFlags(args, HELP, DEFAULTS, { size: 8 });
  const { size, coils, acceleration, parts, output } = settings;
  if (parts > coils) throw new TypeError(`Cannot run: --parts must be at most ${coils}, got ${parts}`);
  await using ctx = await DistributedContext.create({ seed: 0, seedOffset: false });
  const begin = performance.now();
  const truth = complexPhantom(size);
  const { mask } = new RandomMaskGenerator({ imgSize: [2, size, size], acceleration }).step({ seed: 3 });
  const scan = new MultiCoilMRI({ mask, coilMaps: birdcageMaps({ imgSize: [2, size, size], coils }) });
  const physics = await distribute((index: number) => partOf(scan, parts, index), ctx, {
    typeObject: "linear_physics",
    numOperators: parts,
  });
  const y = await physics.forward(truth);
  if (ctx.rank === 0) {
    console.log(
      `${size} x ${size} pixels, ${coils} coils in ${parts} parts, one line in ${acceleration}, ` +
        `${ctx.worldSize} ranks on ${ctx.device.name}`,
    );
  }
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const result = await reconstruct(physics, await distribute(new L2(), ctx), y, truth, settings, progress);
  const seconds = (performance.now() - begin) / 1000;

  if (ctx.rank === 0) {
    const sense = await scan.A_dagger(Tensor.cat([...y], 2));
    const plain = (await psnr(sense, truth).item()).toFixed(2);
    console.log(`PSNR of SENSE ${plain} dB, of ADMM ${result.metrics.psnr[0].at(-1)!.toFixed(2)} dB`);
    await Deno.mkdir(output, { recursive: true });
    const path = `${output}/mri_multicoil.png`;
    const magnitudes = [truth, sense, result.x].map((image) => image.norm(1, { keepDims: true }));
    await writeImage(path, sideBySide([...magnitudes, mask.slice([null, [0, 1]])]));
    console.log(`wrote ${path} (truth | SENSE | ADMM | mask)`);
    printSummary(ctx.stats(), seconds);
  }
  await ctx.barrier();
}

/** Some of the scan's coils with noise of their own. */
function partOf(scan: MultiCoilMRI, parts: number, index: number): LinearPhysics<Tensor> {
  const part = splitCoils(scan, parts).get(index);
  part.noiseModel = new GaussianNoise({ sigma: NOISE, seed: 100 + index });
  return part;
}

/** The head phantom with a phase that changes slowly over the image, (1, 2, n, n). */
function complexPhantom(size: number): Tensor {
  const phase = (part: (angle: number) => number) =>
    Tensor.from(
      Float32Array.from({ length: size * size }, (_, k) => {
        const row = Math.floor(k / size) / size - 0.5, column = k % size / size - 0.5;
        return part(1.5 * row - column + 2 * row * column);
      }),
      [1, 1, size, size],
    );
  const magnitude = sheppLogan(size);
  return Tensor.cat([phase(Math.cos), phase(Math.sin)].map((wave) => magnitude.mul(wave)), 1);
}

/** The same lines for one rank and for many. */
async function reconstruct(
  physics: LinearPhysics<TensorList>,
  dataFidelity: DataFidelity,
  y: TensorList,
  truth: Tensor,
  { iterations }: Settings,
  progress?: ProgressLine,
): Promise<RunResult> {
  const algorithm = new ADMM({
    dataFidelity,
    prior: new PnP({ denoiser: new TVDenoiser({ nItMax: 20 }) }),
    stepsize: 20,
    sigmaDenoiser: 0.15,
    maxIter: iterations,
  });
  const start = await physics.A_adjoint(y);
  return await algorithm.run(y, physics, {
    init: { x: start, z: Tensor.zeros(start.shape) },
    xGt: truth,
    onIteration: (info) => progress?.show(info),
  });
}
