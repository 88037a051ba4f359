/**
 * A denoiser on any number of ranks: a noisy picture is cut into overlapping tiles, which the ranks denoise with DRUNet,
 * and compared with DRUNet on the whole picture.
 *
 *     deno task launch -n 2 examples/denoiser_demo.ts --overlap 64
 */
import {
  colourScene,
  distribute,
  DistributedContext,
  DRUNet,
  psnr,
  Tensor,
  writeImage,
} from "@deepinv/distributed";
import { maxDifference } from "./support/comparison.ts";
import { sideBySide } from "./support/montage.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `A tiled DRUNet beside the plain one

  --size N           side of the picture in pixels (default 512)
  --sigma S          noise level (default 0.1)
  --patch-size N     core of a tile in pixels (default 256)
  --overlap N        halo around it in pixels (default 64)
  --output DIR       where the picture goes (default: the current folder)
`;

/** What the two may differ by, as in deepinv's demonstration. */
const MEAN_TOLERANCE = 0.01, MAX_TOLERANCE = 0.5;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const { size, sigma, patchSize, overlap, output } = readFlags(args, HELP, {
    size: 512,
    sigma: 0.1,
    patchSize: 256,
    overlap: 64,
    output: ".",
  }, { size: 16, overlap: 0 });
  await using ctx = await DistributedContext.create({ seed: 42, seedOffset: false });
  const clean = colourScene({ size, seed: 7 });
  const noise = Tensor.randn(clean.shape, { seed: 42 });
  const noisy = clean.addScaled(noise, sigma);
  const denoiser = await DRUNet.create({ weights: "small-color" });
  const tiled = await distribute(denoiser, ctx, { patchSize, overlap });
  const show = (text: string) => ctx.rank === 0 && console.log(text);
  show(
    `${size} x ${size} pixels, tiles of ${patchSize} + 2 x ${overlap}, ${ctx.worldSize} ranks on ${ctx.device.name}`,
  );

  const begin = performance.now();
  const found = await tiled.forward(noisy, sigma);
  const seconds = (performance.now() - begin) / 1000;
  show(`1/2  tiled: PSNR ${(await psnr(found, clean).item()).toFixed(2)} dB in ${seconds.toFixed(2)} s`);
  if (ctx.rank === 0) {
    const start = performance.now();
    const plain = await denoiser.forward(noisy, sigma);
    const largest = await maxDifference(found, plain);
    const alone = (performance.now() - start) / 1000;
    const mean = await found.sub(plain).abs().mean().item();
    show(`2/2  plain: PSNR ${(await psnr(plain, clean).item()).toFixed(2)} dB in ${alone.toFixed(2)} s`);
    show(`noisy: PSNR ${(await psnr(noisy, clean).item()).toFixed(2)} dB`);
    show(`difference between the two: mean ${mean.toExponential(2)}, max ${largest.toExponential(2)}`);
    await Deno.mkdir(output, { recursive: true });
    await writeImage(`${output}/denoiser_demo.png`, sideBySide([clean, noisy, found, plain]));
    show(`wrote ${output}/denoiser_demo.png (clean | noisy | tiled | plain)`);
    printSummary(ctx.stats(), seconds);
    if (!(mean <= MEAN_TOLERANCE && largest <= MAX_TOLERANCE)) {
      throw new Error(
        `Cannot confirm the tiled result: it differs by ${mean} on average, ${largest} at most`,
      );
    }
  }
  await ctx.barrier();
}
