/**
 * A tiling of one's own on any number of ranks: a panorama that goes all the way round is restored by plug-and-play. Its
 * left end continues at its right end, so the tiles that the ranks denoise are slices whose halos go round too. The usual
 * tiling mirrors the picture at both ends and leaves a seam.
 *
 *     deno task launch -n 2 examples/custom_strategy.ts
 */
import {
  Blur,
  colourScene,
  distribute,
  DistributedContext,
  DistributedSignalStrategy,
  DRUNet,
  gaussianBlur,
  GaussianNoise,
  type IndexedPatch,
  L2,
  PGD,
  PnP,
  psnr,
  type StrategyChoice,
  Tensor,
  writeImage,
} from "@deepinv/distributed";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Plug-and-play deblurring of a panorama, tiled by a strategy of its own

  --size N           height of the panorama in pixels, which is three times as wide (default 160)
  --iterations N     of proximal gradient descent (default 8)
  --slices N         into which the panorama is cut (default 4)
  --overlap N        halo on both sides of a slice in pixels (default 16)
  --output DIR       where the picture goes (default: the current folder)
`;

/** Columns at either end that count as near the seam. */
const NEAR = 12;

/** Slices of a panorama with halos that go round: three methods make a strategy, a fourth saves communication. */
class PanoramaSlices extends DistributedSignalStrategy {
  constructor(imgSize: readonly number[], readonly slices: number, readonly halo: number) {
    super(imgSize);
  }

  override getNumPatches(): number {
    return this.slices;
  }

  override getLocalPatches(x: Tensor, localIndices: readonly number[]): IndexedPatch[] {
    using round = x.pad([[this.halo, this.halo]], "circular");
    return localIndices.map((index) => {
      const [begin, end] = this.#columns(index);
      return [index, round.slice([null, null, null, [begin, end + 2 * this.halo]])];
    });
  }

  /** What the ranks send each other: a slice without its halos. */
  override cropPatch(_index: number, patch: Tensor): Tensor {
    return patch.slice([null, null, null, [this.halo, patch.shape[3] - this.halo]]);
  }

  override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
    for (const [index, patch] of patches) out.writeSlice(patch, [0, 0, 0, this.#columns(index)[0]]);
  }

  #columns(index: number): [begin: number, end: number] {
    const width = this.imgSize[3];
    return [Math.floor(index * width / this.slices), Math.floor((index + 1) * width / this.slices)];
  }
}

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const { size, iterations, slices, overlap, output } = readFlags(args, HELP, {
    size: 160,
    iterations: 8,
    slices: 4,
    overlap: 16,
    output: ".",
  }, { size: 32, overlap: 0 });
  await using ctx = await DistributedContext.create({ seed: 42, seedOffset: false });
  const begin = performance.now();
  const scene = colourScene({ size: [size, 3 * size], seed: 7 });
  const truth = scene.roll(Math.floor(3 * size / 2), 3);
  const blurs = [1, 2].map((sigma, i) =>
    new Blur({
      filter: gaussianBlur({ sigma }),
      padding: "circular",
      noiseModel: new GaussianNoise({ sigma: 0.03, seed: i }),
    })
  );
  const physics = await distribute(blurs, ctx);
  const y = await physics.forward(truth);
  const denoiser = await DRUNet.create({ weights: "small-color" });
  const restore = async (tilingStrategy: StrategyChoice, progress?: ProgressLine): Promise<Tensor> => {
    const algorithm = new PGD({
      dataFidelity: await distribute(new L2(), ctx),
      prior: await distribute(new PnP({ denoiser }), ctx, {
        tilingStrategy,
        patchSize: Math.ceil(3 * size / slices),
        overlap,
      }),
      stepsize: 0.5,
      sigmaDenoiser: 0.025,
      maxIter: iterations,
    });
    const { x } = await algorithm.run(y, physics, {
      xGt: truth,
      onIteration: (info) => progress?.show(info),
    });
    return x;
  };
  const show = (text: string) => ctx.rank === 0 && console.log(text);
  show(`${3 * size} x ${size} pixels, ${slices} slices, ${ctx.worldSize} ranks on ${ctx.device.name}`);
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const round = await restore((imgSize) => new PanoramaSlices(imgSize, slices, overlap), progress);
  const mirrored = await restore("overlap_tiling");
  const seconds = (performance.now() - begin) / 1000;

  if (ctx.rank === 0) {
    const atSeam = async (x: Tensor) => (await psnr(nearSeam(x), nearSeam(truth)).item()).toFixed(2);
    show(`near the seam: PSNR ${await atSeam(round)} dB, with the usual tiling ${await atSeam(mirrored)} dB`);
    await Deno.mkdir(output, { recursive: true });
    const rows = [truth, y.get(0), round, mirrored].map((x) =>
      x.roll(Math.floor(3 * size / 2), 3).clamp(0, 1)
    );
    await writeImage(`${output}/custom_strategy.png`, Tensor.cat(rows, 2));
    show(
      `wrote ${output}/custom_strategy.png, the seam in the middle (truth, measurement, own slices, usual tiling)`,
    );
    printSummary(ctx.stats(), seconds);
  }
  await ctx.barrier();
}

/** The columns around the seam, as neighbours. */
function nearSeam(x: Tensor): Tensor {
  const width = x.shape[3];
  return Tensor.cat([
    x.slice([null, null, null, [width - NEAR, width]]),
    x.slice([null, null, null, [0, NEAR]]),
  ], 3);
}
