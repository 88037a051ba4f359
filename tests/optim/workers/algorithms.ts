/** Every algorithm on this many ranks: as on one process, and resumed on all ranks from a state that rank 0 kept. */
import { MedianFilter } from "../../../src/models/mod.ts";
import { distribute, DistributedContext } from "../../../src/distributed/mod.ts";
import {
  ADMM,
  type BaseOptim,
  DiffPIR,
  DRS,
  FISTA,
  GD,
  HQS,
  L2,
  MD,
  MLEM,
  type OptimOptions,
  OSEM,
  PDCP,
  PGD,
  PMD,
  PnP,
  RunState,
  ScorePrior,
  SIRT,
  Tikhonov,
  TVPrior,
  ULA,
} from "../../../src/optim/mod.ts";
import { Blur, gaussianBlur, stack } from "../../../src/physics/mod.ts";
import { image, largestDifference } from "../../golden.ts";
import assert from "node:assert/strict";

const median = new MedianFilter({ kernelSize: 3 });

type Options = Pick<OptimOptions, "dataFidelity" | "stepsize" | "lambda" | "maxIter"> & {
  /** A denoiser, plain or in tiles. */
  denoiser: Pick<MedianFilter, "forward">;
};

const ALGORITHMS: Readonly<Record<string, (options: Options) => Pick<BaseOptim, "run">>> = {
  GD: (o) => new GD({ ...o, prior: new Tikhonov() }),
  PGD: (o) => new PGD({ ...o, prior: new PnP(o), sigmaDenoiser: 0.1 }),
  "PGD with Anderson acceleration": (o) =>
    new PGD({ ...o, prior: new Tikhonov(), andersonAcceleration: true }),
  "PGD with backtracking": (o) =>
    new PGD({ ...o, prior: new Tikhonov(), stepsize: 1.5, backtracking: { eta: 0.6 } }),
  FISTA: (o) => new FISTA({ ...o, prior: new TVPrior({ nItMax: 5 }), earlyStop: true, thresConv: 0.03 }),
  HQS: (o) => new HQS({ ...o, prior: new PnP(o), sigmaDenoiser: 0.1 }),
  ADMM: (o) => new ADMM({ ...o, prior: new Tikhonov() }),
  DRS: (o) => new DRS({ ...o, prior: new Tikhonov() }),
  PDCP: (o) => new PDCP({ ...o, prior: new Tikhonov(), stepsizeDual: 0.8 }),
  MD: (o) => new MD({ ...o, prior: new Tikhonov() }),
  PMD: (o) => new PMD({ ...o, prior: new Tikhonov() }),
  MLEM: (o) => new MLEM({ ...o, prior: new Tikhonov() }),
  OSEM: (o) => new OSEM({ ...o, prior: new Tikhonov() }),
  SIRT: (o) => new SIRT(o),
  ULA: ({ dataFidelity, denoiser, maxIter }) =>
    new ULA({
      dataFidelity: dataFidelity as L2,
      prior: new ScorePrior({ denoiser }),
      stepSize: 1e-3,
      sigma: 0.2,
      maxIter,
      seed: 3,
    }),
  DiffPIR: ({ dataFidelity, denoiser, maxIter }) =>
    new DiffPIR({ dataFidelity: dataFidelity as L2, denoiser, maxIter, seed: 5 }),
};

await using ctx = await DistributedContext.create({ device: "cpu", timeout: 30_000 });
const local = stack(
  ...[0.5, 0.7, 0.9].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })),
);
const physics = await distribute(local, ctx);
const dataFidelity = await distribute(new L2(), ctx);
const denoiser = await distribute(median, ctx, { patchSize: 8, overlap: 4 });
using xGt = image(1, 1, 17, 16);
using y = await local.A(xGt);
const common = { stepsize: 0.3, lambda: 0.02, maxIter: 5 };

for (const [name, make] of Object.entries(ALGORITHMS)) {
  const alone = await make({ ...common, dataFidelity: new L2(), denoiser: median }).run(y, local, { xGt });
  const spread = () => make({ ...common, dataFidelity, denoiser });
  let kept: Uint8Array<ArrayBuffer> | undefined;
  const { x } = await spread().run(y, physics, {
    xGt,
    onIteration: async ({ iteration, state }) => {
      if (iteration === 3 && ctx.rank === 0) kept = await state.encode();
    },
  });
  const error = await largestDifference(x, alone.x);
  assert.ok(error < 2e-4, `${name} on ${ctx.worldSize} ranks: ${error}`);
  for (const other of await ctx.allGather(await x.data())) {
    assert.deepEqual(other, await x.data(), `${name}: all ranks have one result`);
  }
  const bytes = await ctx.broadcastObject(kept, 0);
  assert.ok(bytes, `${name} has an iteration 3`);
  using resumeFrom = RunState.decode(bytes);
  const again = (await spread().run(y, physics, { xGt, resumeFrom })).x;
  assert.deepEqual(await again.data(), await x.data(), `${name}: resumed`);
}
console.log("done");
