/**
 * A volume in three dimensions: balls in space, seen through three 3-D blurs with noise (sharp in the plane, sharp along the
 * axis, even), are restored by plug-and-play proximal gradient descent. The blurs are spread over the ranks, and so are the
 * denoiser's tiles, which are cut in all three dimensions.
 *
 *     deno task launch -n 2 examples/volume_3d.ts
 *
 * The denoiser is total variation in three dimensions.
 */
import {
  Blur,
  distribute,
  DistributedContext,
  GaussianNoise,
  L2,
  PGD,
  PnP,
  psnr,
  Tensor,
  TVDenoiser,
  writeImage,
} from "@deepinv/distributed";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Plug-and-play deblurring of a volume

  --size N           side of the volume in voxels (default 40)
  --iterations N     of proximal gradient descent (default 10)
  --patch-size N     core of a denoiser tile in voxels (default 20)
  --overlap N        halo around it in voxels (default 4)
  --output DIR       where the picture goes (default: the current folder)
`;

/** Standard deviations of the blurs along depth, height and width. */
const BLURS = [[2, 0.7, 0.7], [0.7, 2, 2], [1.2, 1.2, 1.2]] as const;
const NOISE = 0.02;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const { size, iterations, patchSize, overlap, output } = readFlags(args, HELP, {
    size: 40,
    iterations: 10,
    patchSize: 20,
    overlap: 4,
    output: ".",
  }, { size: 16, overlap: 0 });
  await using ctx = await DistributedContext.create({ seed: 0, seedOffset: false });
  const begin = performance.now();
  const truth = balls(size);
  const physics = await distribute(blurAt, ctx, { typeObject: "linear_physics", numOperators: BLURS.length });
  const y = await physics.forward(truth);
  if (ctx.rank === 0) {
    console.log(`${size}^3 voxels, ${BLURS.length} blurs, ${ctx.worldSize} ranks on ${ctx.device.name}`);
  }
  const denoiser = await distribute(new TVDenoiser({ nItMax: 25 }), ctx, { patchSize, overlap });
  const algorithm = new PGD({
    dataFidelity: await distribute(new L2(), ctx),
    prior: new PnP({ denoiser }),
    stepsize: 0.6,
    sigmaDenoiser: 0.02,
    maxIter: iterations,
  });
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const { x, metrics } = await algorithm.run(y, physics, {
    init: y.get(2),
    xGt: truth,
    onIteration: (info) => progress?.show(info),
  });
  if (ctx.rank === 0) {
    const before = await psnr(y.get(2), truth).item();
    console.log(
      `PSNR of the third measurement ${before.toFixed(2)} dB, restored ${
        metrics.psnr[0].at(-1)!.toFixed(2)
      } dB`,
    );
    await Deno.mkdir(output, { recursive: true });
    const path = `${output}/volume_3d.png`;
    const rows = [2, 3].map((dim) => {
      const images = [truth, ...y, x].map((volume) => middleSlice(volume, dim));
      return sideBySide(images, 4);
    });
    await writeImage(path, Tensor.cat(rows, 2));
    console.log(
      `wrote ${path} (truth | three measurements | restored; above in the plane, below along the depth)`,
    );
    printSummary(ctx.stats(), (performance.now() - begin) / 1000);
  }
}

/** Blur `index` with its noise; only the rank that holds it builds it. */
function blurAt(index: number): Blur {
  const kernels = BLURS[index].map((sigma) => {
    const radius = Math.ceil(2.5 * sigma);
    const taps = Array.from(
      { length: 2 * radius + 1 },
      (_, k) => Math.exp(-(((k - radius) / sigma) ** 2) / 2),
    );
    const total = taps.reduce((sum, tap) => sum + tap, 0);
    return taps.map((tap) => tap / total);
  });
  const [depth, height, width] = kernels;
  const filter = depth.flatMap((a) => height.flatMap((b) => width.map((c) => a * b * c)));
  return new Blur({
    filter: Tensor.from(filter, [1, 1, depth.length, height.length, width.length]),
    padding: "reflect",
    noiseModel: new GaussianNoise({ sigma: NOISE, seed: 7 + index }),
  });
}

/** Balls of several grays and sizes, (1, 1, n, n, n) in [0, 1]. */
function balls(n: number): Tensor {
  const values = new Float32Array(n ** 3).fill(0.1);
  const spheres = Array.from({ length: 14 }, (_, k) => ({
    centre: [(k * 0.618 + 0.2) % 1, (k * 0.755 + 0.4) % 1, (k * 0.57 + 0.3) % 1].map((c) =>
      (0.1 + 0.8 * c) * n
    ),
    radius: (0.06 + 0.12 * ((k * 0.381) % 1)) * n,
    gray: 0.3 + 0.65 * ((k * 0.43) % 1),
  }));
  for (const { centre: [z, y, x], radius, gray } of spheres) {
    for (let k = 0; k < values.length; k++) {
      const d = Math.floor(k / n / n), h = Math.floor(k / n) % n, w = k % n;
      if ((d - z) ** 2 + (h - y) ** 2 + (w - x) ** 2 < radius ** 2) values[k] = gray;
    }
  }
  return Tensor.from(values, [1, 1, n, n, n]);
}

/** The slice in the middle of dimension `dim`, (1, 1, side, side). */
function middleSlice(volume: Tensor, dim: number): Tensor {
  const at = Math.floor(volume.shape[dim] / 2);
  using slab = volume.slice(volume.shape.map((_, d) => (d === dim ? [at, at + 1] : null)));
  return slab.reshape(volume.shape.filter((_, d) => d !== dim));
}
