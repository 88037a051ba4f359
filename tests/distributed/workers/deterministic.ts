/** Prints digests of sums over operators and of a reconstruction; run by deterministic_test.ts. */

import {
  Blur,
  distribute,
  DistributedContext,
  gaussianBlur,
  L1,
  L2,
  PGD,
  PnP,
  stack,
  Tensor,
  TVDenoiser,
} from "../../../mod.ts";
import { image } from "../../golden.ts";

const device = Deno.args[0] as "cpu" | "gpu";
await using ctx = await DistributedContext.create({
  device,
  seed: 1,
  seedOffset: false,
  deterministic: true,
});
const blurs = Array.from(
  { length: 7 },
  (_, i) => new Blur({ filter: gaussianBlur({ sigma: 1 + i / 3 }), padding: "circular" }),
);
const physics = await distribute(stack(...blurs), ctx);
using x = image(2, 1, 24, 19);
using noise = Tensor.randn(x.shape, { seed: 3 });
using rough = x.add(noise);
const y = await physics.A(rough);

const results: Record<string, Tensor | number> = {};
results.adjoint = await physics.A_adjoint(y);
results.mean = await physics.A_adjoint(y, { reduceOp: "mean" });
results.normal = await physics.A_adjoint_A(x);
results.dagger = await physics.A_dagger(y);
results.solved = await physics.A_dagger(y, { localOnly: false, maxIter: 5 });
results.norm = await physics.computeSqnorm(x);
for (const fidelity of [new L2({ sigma: 0.3 }), new L1()]) {
  const name = fidelity.constructor.name;
  const distributed = await distribute(fidelity, ctx);
  results[`${name}.fn`] = await distributed.fn(x, y, physics);
  results[`${name}.grad`] = await distributed.grad(x, y, physics);
}
const algorithm = new PGD({
  dataFidelity: await distribute(new L2(), ctx),
  prior: new PnP({
    denoiser: await distribute(new TVDenoiser({ nItMax: 20 }), ctx, { patchSize: 8, overlap: 4 }),
  }),
  stepsize: 0.1,
  sigmaDenoiser: 0.05,
  maxIter: 5,
});
results.reconstruction = (await algorithm.run(y, physics)).x;

for (const [name, result] of Object.entries(results)) {
  const values = typeof result === "number" ? Float64Array.of(result) : await result.data();
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const digest = await crypto.subtle.digest("SHA-256", bytes.slice());
  console.log(`${name} ${new Uint8Array(digest).toHex().slice(0, 16)}`);
}

using infinite = Tensor.full([1, 1, 4, 4], Infinity);
using sums = await physics.A_adjoint_A(infinite);
if ((await sums.data()).some(Number.isFinite)) throw new Error("an infinite image has no finite sums");
