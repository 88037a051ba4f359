/**
 * Sparse-view computed tomography: a head phantom is scanned from few angles, with noise. The views are spread over the
 * ranks; FISTA with total variation finds the image, where filtered back-projection leaves streaks.
 *
 *     deno task launch -n 4 examples/ct_fista_tv.ts --angles 48
 */
import {
  type DataFidelity,
  distribute,
  DistributedContext,
  FISTA,
  GaussianNoise,
  L2,
  type LinearPhysics,
  type RunResult,
  sheppLogan,
  splitAngles,
  Tensor,
  type TensorList,
  Tomography,
  TVPrior,
  writeImage,
} from "@deepinv/distributed";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Sparse-view computed tomography by FISTA with total variation

  --size N           side of the phantom in pixels (default 96)
  --angles N         views over half a turn, a multiple of the parts (default 36)
  --parts N          parts of the scan that are spread over the ranks (default 4)
  --iterations N     of FISTA (default 150)
  --output DIR       where the picture goes (default: the current folder)
`;

/** Standard deviation of the noise on the normalised projections. */
const NOISE = 0.002;

const DEFAULTS = { size: 96, angles: 36, parts: 4, iterations: 150, output: "." };

type Settings = typeof DEFAULTS;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readFlags(args, HELP, DEFAULTS, { size: 8 });
  const { size, angles, parts, output } = settings;
  if (angles % parts !== 0) {
    throw new TypeError(`Cannot run: --angles must be a multiple of ${parts}, got ${angles}`);
  }
  await using ctx = await DistributedContext.create({ seed: 0, seedOffset: false });
  const begin = performance.now();
  const truth = sheppLogan(size);
  const scan = new Tomography({ angles, imgWidth: size });
  const physics = await distribute((index: number) => partOf(scan, parts, index), ctx, {
    typeObject: "linear_physics",
    numOperators: parts,
  });
  const y = await physics.forward(truth);
  if (ctx.rank === 0) {
    console.log(
      `${size} x ${size} pixels, ${angles} angles in ${parts} parts, ${ctx.worldSize} ranks on ${ctx.device.name}`,
    );
  }
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const backProjected = await scan.fbp(wholeSinogram(y));
  const dataFidelity = await distribute(new L2(), ctx);
  const result = await reconstruct(physics, dataFidelity, y, backProjected, truth, settings, progress);
  const seconds = (performance.now() - begin) / 1000;

  if (ctx.rank === 0) {
    const [first, last] = [0, -1].map((k) => result.metrics.psnr[0].at(k)!.toFixed(2));
    console.log(`PSNR of fbp ${first} dB, of FISTA ${last} dB`);
    await Deno.mkdir(output, { recursive: true });
    const path = `${output}/ct_fista_tv.png`;
    await writeImage(path, sideBySide([truth, backProjected, result.x]));
    console.log(`wrote ${path} (truth | filtered back-projection | FISTA with total variation)`);
    printSummary(ctx.stats(), seconds);
  }
  await ctx.barrier();
}

/** Views index, index + parts, ... of the scan with noise of their own. */
function partOf(scan: Tomography, parts: number, index: number): LinearPhysics<Tensor> {
  const part = splitAngles(scan, parts).get(index);
  part.noiseModel = new GaussianNoise({ sigma: NOISE, seed: 100 + index });
  return part;
}

/** The same lines for one rank and for many. */
async function reconstruct(
  physics: LinearPhysics<TensorList>,
  dataFidelity: DataFidelity,
  y: TensorList,
  init: Tensor,
  truth: Tensor,
  { iterations }: Settings,
  progress?: ProgressLine,
): Promise<RunResult> {
  const algorithm = new FISTA({
    dataFidelity,
    prior: new TVPrior({ nItMax: 20 }),
    stepsize: 1,
    lambda: 0.0007,
    maxIter: iterations,
  });
  return await algorithm.run(y, physics, {
    init,
    xGt: truth,
    onIteration: (info) => progress?.show(info),
  });
}

/** The parts' projections with their views in the scan's order. */
function wholeSinogram(y: TensorList): Tensor {
  const interleaved = Tensor.stack([...y], 4);
  const [batch, channels, detectors, views, parts] = interleaved.shape;
  return interleaved.reshape([batch, channels, detectors, views * parts]);
}
