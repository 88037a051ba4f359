import { MedianFilter, nabla, nablaAdjoint } from "../../src/models/mod.ts";
import {
  ADMM,
  type BaseOptim,
  DRS,
  FISTA,
  GD,
  HQS,
  L12Prior,
  L1Prior,
  L2,
  MLEM,
  type OptimOptions,
  PDCP,
  PGD,
  PnP,
  RED,
  SIRT,
  Tikhonov,
  TVPrior,
} from "../../src/optim/mod.ts";
import { Blur, gaussianBlur, stack } from "../../src/physics/mod.ts";
import { Tensor, TensorList } from "../../src/tensor/mod.ts";
import { assertGolden, GOLDEN, image, onBothDevices } from "../golden.ts";
import assert from "node:assert/strict";

/** entry + amplitude sin(3.1 m + i) */
function rippled(entry: Tensor, i = 0): Tensor {
  const ripple = Float32Array.from({ length: entry.numel }, (_, m) => 0.05 * Math.sin(3.1 * m + i));
  return entry.add(Tensor.from(ripple, entry.shape));
}

function blurs() {
  return stack(
    ...[1, 1.5, 2].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })),
  );
}

const STACKED = { dataFidelity: new L2(), stepsize: 0.3, lambda: 0.02, maxIter: 10 };

const ON_STACK: readonly [name: string, make: () => Pick<BaseOptim, "run">][] = [
  ["PGD.L1", () => new PGD({ ...STACKED, prior: new L1Prior() })],
  ["FISTA.TV", () => new FISTA({ ...STACKED, prior: new TVPrior({ nItMax: 50 }) })],
  ["GD.Tik", () => new GD({ ...STACKED, prior: new Tikhonov() })],
];

for (const [name, make] of ON_STACK) {
  onBothDevices(`${name} on a stack equals deepinv, with its metrics`, async () => {
    const physics = blurs();
    using xGt = image(1, 1, 16, 16);
    using clean = await physics.A(xGt);
    using y = TensorList.from([...clean].map(rippled));
    const { x, metrics } = await make().run(y, physics, { xGt });
    await assertGolden(x, name, 1e-4);
    for (const metric of ["cost", "psnr", "residual"] as const) {
      const expected = GOLDEN[`${name}.${metric}`] as number[];
      assert.equal(metrics[metric][0].length, expected.length, metric);
      metrics[metric][0].forEach((value, k) => {
        const error = Math.abs(value - expected[k]);
        assert.ok(
          error <= 1e-3 * Math.max(0.01, Math.abs(expected[k])),
          `${metric} ${k}: ${value}, ${expected[k]}`,
        );
      });
    }
  });
}

const ONE: OptimOptions = {
  dataFidelity: new L2(),
  prior: new L1Prior(),
  stepsize: 0.7,
  lambda: 0.02,
  maxIter: 8,
};
const median = new MedianFilter({ kernelSize: 3 });
const DENOISED = { ...ONE, maxIter: 5, sigmaDenoiser: 0.05 };

const ON_ONE: readonly [name: string, make: () => Pick<BaseOptim, "run">][] = [
  ["opt.ADMM", () => new ADMM(ONE)],
  ["opt.ADMM.gfirst", () => new ADMM({ ...ONE, gFirst: true })],
  ["opt.DRS", () => new DRS(ONE)],
  ["opt.DRS.gfirst", () => new DRS({ ...ONE, gFirst: true })],
  ["opt.HQS.median", () => new HQS({ ...DENOISED, prior: new PnP({ denoiser: median }) })],
  ["opt.PGD.median", () => new PGD({ ...DENOISED, prior: new PnP({ denoiser: median }) })],
  [
    "opt.PGD.RED.gfirst",
    () => new PGD({ ...DENOISED, lambda: 0.1, gFirst: true, prior: new RED({ denoiser: median }) }),
  ],
  ["opt.PGD.anderson", () => new PGD({ ...ONE, andersonAcceleration: true })],
  ["opt.PDCP", () => new PDCP({ ...ONE, stepsize: 0.5, stepsizeDual: 0.5 })],
  ["opt.PDCP.gfirst.TV", () =>
    new PDCP({
      ...ONE,
      gFirst: true,
      prior: new L12Prior(),
      stepsize: 0.2,
      stepsizeDual: 0.3,
      K: nabla,
      KAdjoint: nablaAdjoint,
    })],
  ["opt.MLEM(5)", () => new MLEM({ maxIter: 5 })],
  ["opt.SIRT(5)", () => new SIRT({ maxIter: 5 })],
];

for (const [name, make] of ON_ONE) {
  onBothDevices(`${name} equals deepinv`, async () => {
    const filter = gaussianBlur({ psfSize: [5, 5], sigma: [1, 1.6], angle: 25 });
    const physics = new Blur({ filter, padding: "circular" });
    using truth = image(1, 1, 16, 16);
    using clean = await physics.A(truth);
    using y = rippled(clean);
    using x = (await make().run(y, physics)).x;
    await assertGolden(x, name, 1e-4);
  });
}
