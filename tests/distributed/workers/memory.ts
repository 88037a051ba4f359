/** Every rank checks that calls leave its device's memory as it was, and what a tiled prox approximates. */
import assert from "node:assert/strict";
import {
  Blur,
  distribute,
  DistributedContext,
  gaussianBlur,
  L1,
  L2,
  stack,
  TVPrior,
} from "@deepinv/distributed";
import { image, largestDifference } from "../../golden.ts";
import { assertNothingLeaks, collectGarbage } from "../../tensor/leaks.ts";
import { MedianDenoiser } from "../median_denoiser.ts";

await using ctx = await DistributedContext.create({ device: "cpu", seed: 7, timeout: 60_000 });
const x = image(2, 1, 16, 18);
await checkTiledProx();
await checkMemory();
console.log("done");

async function checkTiledProx(): Promise<void> {
  using signal = image(1, 1, 24, 28);
  const settings = { nItMax: 60 };
  using exact = await new TVPrior(settings).prox(signal, undefined, 0.01);
  using value = await new TVPrior().fn(signal);
  const difference = async (overlap: number, patchSize: number) => {
    const prior = await distribute(new TVPrior(settings), ctx, { exactProx: false, patchSize, overlap });
    using whole = await prior.fn(signal);
    assert.equal(await largestDifference(whole, value), 0);
    using tiled = await prior.prox(signal, undefined, 0.01);
    return await largestDifference(tiled, exact);
  };
  const near = await difference(6, 12), far = await difference(0, 12);
  assert.ok(near > 0 && near < far, `a halo brings tiles closer to the whole: ${near}, ${far}`);
  assert.equal(await difference(0, 64), 0, "one tile is the whole");
}

async function checkMemory(): Promise<void> {
  const blurs = () =>
    [0.5, 0.7, 0.9].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
  const physics = await distribute(blurs(), ctx);
  const y = await stack(...blurs()).A(x);
  const mixed = await distribute([new L2(), new L1(), new L2()], ctx);
  const weighted = await distribute([1, 2, 3].map((sigma) => new L2({ sigma })), ctx);
  const denoiser = await distribute(new MedianDenoiser(3), ctx, {
    patchSize: 8,
    overlap: 2,
    maxBatchSize: 2,
  });
  const calls: (() => Promise<Disposable>)[] = [
    () => physics.A(x),
    () => physics.forward(x),
    () => physics.A_adjoint(y),
    () => physics.A_adjoint(y, { gather: false, reduceOp: "mean" }) as Promise<Disposable>,
    () => physics.A_adjoint_A(x),
    () => physics.A_dagger(y),
    () => mixed.fn(x, y, physics),
    () => mixed.grad(x, y, physics),
    () => mixed.prox(x, y, physics, 0.3),
    () => weighted.prox(x, y, physics, 0.3),
    () => denoiser.forward(x, 0),
  ];
  for (const call of calls) {
    (await call())[Symbol.dispose]();
    // What priors, and shapes learned in a first call, have dropped must not be missed in the next one.
    await collectGarbage();
    await assertNothingLeaks(async () => (await call())[Symbol.dispose]());
  }
}
