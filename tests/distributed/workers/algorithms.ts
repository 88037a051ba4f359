/** Every rank runs every algorithm on distributed objects and on their local twins, and resumes it half-way. */
import assert from "node:assert/strict";
import {
  ADMM,
  type BaseOptim,
  Blur,
  BurgEntropy,
  type Denoiser,
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
  RED,
  RunState,
  ScorePrior,
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

const [device, batch] = Deno.args;
const seedOffset = batch === "1";
await using ctx = await DistributedContext.create({
  device: device as "cpu" | "gpu",
  seed: 7,
  seedOffset,
  timeout: 60_000,
});
const x = image(Number(batch), 1, 13, 12);
const blurs = () =>
  [0, 1, 2].map((i) => new Blur({ filter: gaussianBlur({ sigma: 0.5 + 0.15 * i }), padding: "circular" }));
const local = stack(...blurs()), physics = await distribute(blurs(), ctx);
const clean = await local.A(x);
const y = TensorList.from(
  [...clean].map((entry, i) => entry.addScaled(Tensor.randn(entry.shape, { seed: i }), 0.05).clamp(0.01, 2)),
);

/** The local twin (k = 0) and the distributed one (k = 1). */
type Twins<T> = readonly [T, T];

const tiles = { patchSize: 6, overlap: 1 };
const median = new MedianDenoiser(3);
const denoiser: Twins<Pick<Denoiser, "forward">> = [median, await distribute(median, ctx, tiles)];
const twins = async <P extends PnP | RED | L1Prior | Tikhonov | TVPrior>(make: () => P) =>
  [make(), await distribute(make(), ctx, tiles)] as const;
const l2 = [new L2(), await distribute(new L2(), ctx)] as const;
const poisson = [new PoissonLikelihood(), await distribute(new PoissonLikelihood(), ctx)] as const;
const pnp = await twins(() => new PnP({ denoiser: median }));
const red = await twins(() => new RED({ denoiser: median }));
const score = await twins(() => new ScorePrior({ denoiser: median }));
const tv = await twins(() => new TVPrior({ nItMax: 20 }));
const l1 = await twins(() => new L1Prior());
const tikhonov = await twins(() => new Tikhonov());

const common = { stepsize: 0.25, lambda: 0.05, sigmaDenoiser: 0.05, maxIter: 5 };
const customMetrics = {
  moved: (previous: Tensor, next: Tensor) => {
    using gap = next.sub(previous);
    return gap.norm([1, 2, 3]);
  },
};

const algorithms: Readonly<Record<string, (k: 0 | 1) => Pick<BaseOptim, "run">>> = {
  GD: (k) => new GD({ ...common, dataFidelity: l2[k], prior: red[k], customMetrics }),
  PGD: (k) => new PGD({ ...common, dataFidelity: l2[k], prior: pnp[k], customMetrics }),
  "PGD, backtracking": (k) =>
    new PGD({ ...common, maxIter: 8, stepsize: 2, backtracking: true, dataFidelity: l2[k], prior: l1[k] }),
  "PGD, backtracking that gives up": (k) =>
    new PGD({
      ...common,
      maxIter: 9,
      stepsize: 50,
      backtracking: { eta: 0.99, maxIter: 6 },
      dataFidelity: l2[k],
      prior: l1[k],
    }),
  "PGD, Anderson": (k) =>
    new PGD({ ...common, andersonAcceleration: true, historySize: 3, dataFidelity: l2[k], prior: l1[k] }),
  "PGD, stops by the residual": (k) =>
    new PGD({ ...common, maxIter: 60, earlyStop: true, thresConv: 1e-2, dataFidelity: l2[k], prior: l1[k] }),
  FISTA: (k) => new FISTA({ ...common, dataFidelity: l2[k], prior: tv[k] }),
  "FISTA, stops by the cost": (k) =>
    new FISTA({
      ...common,
      maxIter: 60,
      earlyStop: true,
      critConv: "cost",
      thresConv: 1e-2,
      dataFidelity: l2[k],
      prior: tv[k],
    }),
  HQS: (k) => new HQS({ ...common, dataFidelity: l2[k], prior: pnp[k], customMetrics }),
  ADMM: (k) => new ADMM({ ...common, dataFidelity: l2[k], prior: tv[k] }),
  "ADMM, Poisson": (k) => new ADMM({ ...common, dataFidelity: poisson[k], prior: tv[k] }),
  DRS: (k) => new DRS({ ...common, dataFidelity: l2[k], prior: l1[k] }),
  PDCP: (k) => new PDCP({ ...common, gFirst: true, dataFidelity: l2[k], prior: l1[k] }),
  MD: (k) => new MD({ ...common, dataFidelity: l2[k], prior: tikhonov[k] }),
  "MD, Burg": (k) =>
    new MD({
      ...common,
      stepsize: 0.02,
      bregmanPotential: new BurgEntropy(),
      dataFidelity: poisson[k],
      prior: tikhonov[k],
    }),
  PMD: (k) => new PMD({ ...common, dataFidelity: l2[k], prior: l1[k] }),
  MLEM: (k) => new MLEM({ dataFidelity: poisson[k], prior: tikhonov[k], lambda: 0.05, maxIter: 5 }),
  OSEM: (k) => new OSEM({ dataFidelity: poisson[k], prior: tikhonov[k], lambda: 0.05, maxIter: 4 }),
  SIRT: (k) => new SIRT({ dataFidelity: l2[k], prior: l1[k], maxIter: 5 }),
  DPIR: (k) => dpir({ sigma: 0.05, denoiser: denoiser[k], dataFidelity: l2[k], maxIter: 4 }),
  ULA: (k) =>
    new ULA({ dataFidelity: l2[k], prior: score[k], stepSize: 1e-4, sigma: 0.1, maxIter: 8, burninRatio: 0 }),
  DiffPIR: (k) => new DiffPIR({ denoiser: denoiser[k], dataFidelity: l2[k], maxIter: 5, seed: 5 }),
};

for (const [name, make] of Object.entries(algorithms)) {
  const expected = await make(0).run(y, local, { init: x, xGt: x });
  let kept: Uint8Array<ArrayBuffer> | undefined;
  const found = await make(1).run(y, physics, {
    init: x,
    xGt: x,
    onIteration: async ({ iteration, state }) => {
      if (iteration === 2 && ctx.rank === 0) kept = await state.encode();
    },
  });
  const difference = await largestDifference(found.x, expected.x);
  assert.ok(difference <= 1e-4, `${name}: differs by ${difference}`);
  closeMetrics(name, found.metrics, expected.metrics);
  const values = await found.x.data();
  for (const others of await ctx.allGather(values.slice())) {
    assert.deepEqual(others, values, `${name}: ranks agree`);
  }
  const bytes = await ctx.broadcastObject(kept, 0);
  if (bytes === undefined) continue;
  using resumeFrom = RunState.decode(bytes);
  const again = await make(1).run(y, physics, { xGt: x, resumeFrom });
  assert.deepEqual(await again.x.data(), values, `${name}: resumed`);
  assert.deepEqual(again.metrics, found.metrics, `${name}: resumed`);
}

/** Numbers of two runs, to 1e-4 of their size; a residual may be as small as its rounding. */
function closeMetrics(name: string, found: object, expected: object): void {
  const [a, b] = [found, expected].map((metrics) =>
    JSON.stringify(metrics).match(/-?\d[\d.e-]*/g)!.map(Number)
  );
  assert.equal(a.length, b.length, `${name}: as many numbers`);
  a.forEach((value, i) => {
    const error = Math.abs(value - b[i]);
    assert.ok(error <= 1e-4 * Math.max(1, Math.abs(b[i])), `${name}: ${value} and ${b[i]}`);
  });
}
console.log("done");
