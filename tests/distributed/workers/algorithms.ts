/** Every rank runs every algorithm on distributed objects and on their local twins. */
import assert from "node:assert/strict";
import {
  ADMM,
  Blur,
  DiffPIR,
  distribute,
  DistributedContext,
  dpir,
  DRS,
  FISTA,
  gaussianBlur,
  GD,
  HQS,
  L1Prior,
  L2,
  MD,
  MLEM,
  OSEM,
  PDCP,
  PGD,
  PMD,
  PnP,
  PoissonLikelihood,
  SIRT,
  stack,
  Tensor,
  TensorList,
  Tikhonov,
  TVPrior,
  ULA,
} from "@deepinv/distributed";
import { image, largestDifference } from "../../golden.ts";
import { MedianDenoiser } from "../median_denoiser.ts";

const [device] = Deno.args;
await using ctx = await DistributedContext.create({
  device: device as "cpu" | "gpu",
  seed: 7,
  timeout: 60_000,
});
const x = image(2, 1, 16, 18);
const blurs = () =>
  [0, 1, 2].map((i) => new Blur({ filter: gaussianBlur({ sigma: 0.5 + 0.15 * i }), padding: "circular" }));
const local = stack(...blurs()), physics = await distribute(blurs(), ctx);
const clean = await local.A(x);
const y = TensorList.from(
  [...clean].map((entry, i) => entry.addScaled(Tensor.randn(entry.shape, { seed: i }), 0.05).clamp(0.01, 2)),
);

const median = new MedianDenoiser(3);
const tiles = { patchSize: 8, overlap: 1 };
const pnp = [new PnP({ denoiser: median }), await distribute(new PnP({ denoiser: median }), ctx, tiles)];
const tv = () => new TVPrior({ nItMax: 20 });
const common = { stepsize: 0.25, lambda: 0.05, sigmaDenoiser: 0.05, maxIter: 4 };
const l2 = [new L2(), await distribute(new L2(), ctx)];
const poisson = [
  new PoissonLikelihood({ gain: 1 }),
  await distribute(new PoissonLikelihood({ gain: 1 }), ctx),
];
const denoiser = [median, await distribute(median, ctx, tiles)];
const tvs = [tv(), await distribute(tv(), ctx)];
const l1s = [new L1Prior(), await distribute(new L1Prior(), ctx)];
const tikhonovs = [new Tikhonov(), await distribute(new Tikhonov(), ctx)];

/** What runs on local objects (k = 0) and on distributed ones (k = 1). */
const algorithms: Record<string, (k: number) => Pick<PGD, "run">> = {
  GD: (k) => new GD({ ...common, dataFidelity: l2[k], prior: tikhonovs[k] }),
  PGD: (k) => new PGD({ ...common, dataFidelity: l2[k], prior: pnp[k] }),
  "PGD, backtracking": (k) =>
    new PGD({ ...common, stepsize: 2, backtracking: true, dataFidelity: l2[k], prior: l1s[k] }),
  "PGD, Anderson": (k) =>
    new PGD({ ...common, andersonAcceleration: true, dataFidelity: l2[k], prior: l1s[k] }),
  FISTA: (k) => new FISTA({ ...common, dataFidelity: l2[k], prior: tvs[k] }),
  HQS: (k) => new HQS({ ...common, dataFidelity: l2[k], prior: pnp[k] }),
  ADMM: (k) => new ADMM({ ...common, dataFidelity: l2[k], prior: tvs[k] }),
  DRS: (k) => new DRS({ ...common, dataFidelity: l2[k], prior: l1s[k] }),
  "ADMM, Poisson": (k) => new ADMM({ ...common, dataFidelity: poisson[k], prior: tvs[k] }),
  PDCP: (k) => new PDCP({ ...common, gFirst: true, dataFidelity: l2[k], prior: l1s[k] }),
  MLEM: (k) => new MLEM({ dataFidelity: poisson[k], prior: tikhonovs[k], lambda: 0.05, maxIter: 4 }),
  OSEM: (k) => new OSEM({ dataFidelity: poisson[k], prior: tikhonovs[k], lambda: 0.05, maxIter: 3 }),
  SIRT: (k) => new SIRT({ dataFidelity: l2[k], maxIter: 4 }),
  MD: (k) => new MD({ ...common, dataFidelity: l2[k], prior: tikhonovs[k] }),
  PMD: (k) => new PMD({ ...common, dataFidelity: l2[k], prior: l1s[k] }),
  DPIR: (k) => dpir({ sigma: 0.05, denoiser: denoiser[k], dataFidelity: l2[k], maxIter: 3 }),
  DiffPIR: (k) =>
    new DiffPIR({ denoiser: denoiser[k], dataFidelity: l2[k], maxIter: 4 }) as unknown as Pick<PGD, "run">,
};

for (const [name, make] of Object.entries(algorithms)) {
  const expected = await make(0).run(y, local, { init: x });
  const found = await make(1).run(y, physics, { init: x });
  const difference = await largestDifference(found.x, expected.x);
  assert.ok(difference <= 1e-4, `${name}: differs by ${difference}`);
  const values = await found.x.data();
  for (const others of await ctx.allGather(values)) assert.deepEqual(others, values, `${name}: ranks agree`);
}
const chain = (k: number) =>
  new ULA({ dataFidelity: l2[k], prior: tikhonovs[k], stepSize: 0.02, maxIter: 6, burninRatio: 0, seed: 3 });
const expected = await chain(0).run(y, local, { init: x });
const found = await chain(1).run(y, physics, { init: x });
assert.ok(await largestDifference(found.mean, expected.mean) <= 1e-4, "ULA");
console.log("done");
