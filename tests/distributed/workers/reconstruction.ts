/** Rank 0 writes the values of a small plug-and-play reconstruction to a file; all ranks check that they agree. */
import assert from "node:assert/strict";
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
  PnP,
  Tensor,
} from "@deepinv/distributed";

const [device, file] = Deno.args;
await using ctx = await DistributedContext.create({ device: device as "cpu" | "gpu" });
const truth = colourScene({ size: [80, 104], seed: 3 });
const blurAt = (index: number) =>
  new Blur({
    filter: gaussianBlur({ sigma: [1 + 0.5 * index, 1], angle: 20 * index }),
    padding: "circular",
    noiseModel: new GaussianNoise({ sigma: 0.03, seed: 42 + index }),
  });
const physics = await distribute(blurAt, ctx, { typeObject: "linear_physics", numOperators: 3 });
const y = await physics.forward(truth);
const denoiser = await distribute(await DRUNet.create({ weights: "small-color" }), ctx, {
  patchSize: 32,
  overlap: 8,
});
const algorithm = new PGD({
  dataFidelity: await distribute(new L2(), ctx),
  prior: new PnP({ denoiser }),
  stepsize: 0.5,
  sigmaDenoiser: 0.05,
  maxIter: 6,
});
const { x } = await algorithm.run(y, physics, { init: Tensor.zeros(truth.shape) });
const values = await x.data();
for (const others of await ctx.allGather(values)) assert.deepEqual(others, values);
if (ctx.rank === 0) await Deno.writeFile(file, new Uint8Array(values.buffer));
