/**
 * Super-resolution from several frames: a scene is seen by a coarse sensor several times, shifted by fractions of its
 * pixels, with noise. The frames are spread over the ranks; FISTA with total variation finds one sharp picture behind
 * all of them.
 *
 *     deno task launch -n 2 examples/super_resolution.ts --factor 3 --frames 6
 */
import {
  colourScene,
  type DataFidelity,
  distribute,
  DistributedContext,
  Downsampling,
  FISTA,
  GaussianNoise,
  L2,
  type LinearPhysics,
  type RunResult,
  stack,
  Tensor,
  TensorList,
  TVPrior,
  writeImage,
} from "@deepinv/distributed";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Super-resolution from several shifted frames

  --size N           side of the sharp picture in pixels, a multiple of the factor (default 144)
  --factor F         sharp pixels per coarse one and side (default 3)
  --frames N         coarse frames (default 6)
  --iterations N     of FISTA (default 40)
  --output DIR       where the picture goes (default: the current folder)
`;

/** Standard deviation of the sensor's noise. */
const NOISE = 0.01;

const DEFAULTS = { size: 144, factor: 3, frames: 6, iterations: 40, output: "." };

type Settings = typeof DEFAULTS;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readFlags(args, HELP, DEFAULTS, { factor: 2, size: 16 });
  const { size, frames, factor, output } = settings;
  if (size % factor !== 0) {
    throw new TypeError(`Cannot run: --size must be a multiple of ${factor}, got ${size}`);
  }
  await using ctx = await DistributedContext.create({ seed: 0, seedOffset: false });
  const begin = performance.now();
  const truth = colourScene({ size, seed: 11 });
  const cameras = await distribute((index: number) => frameAt(index, settings), ctx, {
    typeObject: "linear_physics",
    numOperators: frames,
  });
  const y = await cameras.forward(truth);
  if (ctx.rank === 0) {
    const side = size / factor;
    console.log(
      `${frames} frames of ${side} x ${side}, factor ${factor}, ${ctx.worldSize} ranks on ${ctx.device.name}`,
    );
  }
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const all = await restore(cameras, await distribute(new L2(), ctx), y, truth, frames, settings, progress);
  const seconds = (performance.now() - begin) / 1000;

  if (ctx.rank === 0) {
    const first = frameAt(0, settings);
    const one = await restore(stack(first), new L2(), TensorList.from([y.get(0)]), truth, 1, settings);
    const quality = ({ metrics }: RunResult) => metrics.psnr[0].at(-1)!.toFixed(2);
    console.log(`PSNR from one frame ${quality(one)} dB, from ${frames} frames ${quality(all)} dB`);
    await Deno.mkdir(output, { recursive: true });
    const path = `${output}/super_resolution.png`;
    await writeImage(path, sideBySide([truth, enlarged(y.get(0), factor), one.x, all.x]));
    console.log(`wrote ${path} (truth | first frame | from one frame | from ${frames} frames)`);
    printSummary(ctx.stats(), seconds);
  }
  await ctx.barrier();
}

/** A camera whose optics shift the scene by a fraction of a coarse pixel, another one for each frame. */
function frameAt(index: number, { size, factor }: Settings): Downsampling {
  const shift = [(index * 0.618) % 1, (index * 0.755) % 1].map((part) => (part - 0.5) * factor);
  return new Downsampling({
    imgSize: [3, size, size],
    filter: shiftedGaussian(0.3 * factor, shift),
    factor,
    noiseModel: new GaussianNoise({ sigma: NOISE, seed: 100 + index }),
  });
}

/** A Gaussian of sum 1 around a centre that lies between pixels. */
function shiftedGaussian(sigma: number, [down, right]: readonly number[]): Tensor {
  const radius = Math.ceil(3 * sigma + Math.max(Math.abs(down), Math.abs(right)));
  const side = 2 * radius + 1;
  const values = Float32Array.from({ length: side * side }, (_, k) => {
    const i = Math.floor(k / side) - radius - down, j = k % side - radius - right;
    return Math.exp(-(i * i + j * j) / (2 * sigma * sigma));
  });
  const total = values.reduce((sum, value) => sum + value, 0);
  return Tensor.from(values.map((value) => value / total), [1, 1, side, side]);
}

/** The same lines for one rank and for many. */
async function restore(
  cameras: LinearPhysics<TensorList>,
  dataFidelity: DataFidelity,
  y: TensorList,
  truth: Tensor,
  frames: number,
  { factor, iterations }: Settings,
  progress?: ProgressLine,
): Promise<RunResult> {
  const algorithm = new FISTA({
    dataFidelity,
    prior: new TVPrior({ nItMax: 10 }),
    stepsize: factor ** 2 / frames,
    lambda: 0.0004 * frames,
    maxIter: iterations,
  });
  return await algorithm.run(y, cameras, {
    init: enlarged(y.get(0), factor),
    xGt: truth,
    onIteration: (info) => progress?.show(info),
  });
}

/** Every pixel as a square of factor x factor. */
function enlarged(frame: Tensor, factor: number): Tensor {
  const [batch, channels, height, width] = frame.shape;
  const cells = frame.reshape([batch, channels, height, 1, width, 1])
    .expand([batch, channels, height, factor, width, factor]);
  return cells.reshape([batch, channels, height * factor, width * factor]);
}
