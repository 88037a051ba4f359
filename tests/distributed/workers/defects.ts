/** Every rank checks, one by one, what deepinv's distributed module gets wrong, and prints the verdicts. */
import assert from "node:assert/strict";
import {
  ADMM,
  BasicStrategy,
  Blur,
  type Denoiser,
  Denoising,
  distribute,
  DistributedContext,
  DRS,
  gaussianBlur,
  GaussianNoise,
  HQS,
  L1,
  L1Prior,
  L2,
  type LinearPhysics,
  PGD,
  PnP,
  RED,
  ScorePrior,
  stack,
  StackedPhysicsDataFidelity,
  Tensor,
  TensorList,
  TVPrior,
} from "@deepinv/distributed";
import { image, largestDifference } from "../../golden.ts";
import { MedianDenoiser } from "../median_denoiser.ts";
import { AddsLevel, Recorder, Rows } from "../toys.ts";

const [device] = Deno.args;
await using ctx = await DistributedContext.create({
  device: device as "cpu" | "gpu",
  seed: 42,
  timeout: 60_000,
});
const CLOSE = 1e-5;
const x = image(2, 1, 16, 18);

const blurs = (count: number): LinearPhysics<Tensor>[] =>
  Array.from(
    { length: count },
    (_, i) => new Blur({ filter: gaussianBlur({ sigma: 1 + 0.5 * i }), padding: "circular" }),
  );

async function close(a: Tensor | TensorList, b: Tensor | TensorList, tolerance = CLOSE): Promise<void> {
  const difference = await largestDifference(a, b);
  assert.ok(difference <= tolerance, `differs by ${difference}`);
}

async function noisy(physics: { A(x: Tensor): Promise<TensorList> }): Promise<TensorList> {
  const y = await physics.A(x);
  return TensorList.from([...y].map((entry, i) => entry.add(Tensor.randn(entry.shape, { seed: 100 + i }))));
}

const checks: Record<number, () => Promise<void>> = {
  async 1() {
    const local = stack(...blurs(4)), physics = await distribute(blurs(4), ctx);
    const exact = await local.computeSqnorm(x, { maxIter: 200, tol: 1e-5 });
    const bound = await physics.computeSqnorm(x, { maxIter: 50 });
    assert.ok(bound >= exact * 0.99, `the sum of the norms ${bound} bounds ${exact}, their maximum does not`);
    const own = await physics.computeSqnorm(x, { localOnly: false, maxIter: 2 });
    for (const other of await ctx.allGatherObject(own)) assert.equal(other, own, "iterates agree");
    const whole = await physics.computeSqnorm(x, { localOnly: false, maxIter: 200, tol: 1e-5 });
    assert.ok(Math.abs(whole - exact) <= 1e-4 * exact, `${whole} is ${exact}`);
  },
  async 2() {
    const recorder = new Recorder();
    const tiled = await distribute(recorder, ctx, { patchSize: 4, overlap: 1, tilingDims: 3 });
    for (const shape of [[1, 1, 9, 18], [1, 1, 7, 30]]) {
      recorder.shapes.length = 0;
      await tiled.forward(Tensor.randn(shape, { seed: 1 }), 0);
      for (const [, , height] of recorder.shapes) assert.equal(height, shape[2], "rows are never cut");
    }
    for (const tilingStrategy of [Rows, new Rows([1, 1, 6, 5])]) {
      const rows = await distribute(recorder, ctx, { tilingStrategy });
      for (const height of [6, 9]) {
        const signal = Tensor.randn([1, 1, height, 5], { seed: height });
        await close(await rows.forward(signal, 0), signal, 0);
      }
    }
  },
  async 3() {
    const fidelities = [new L2({ sigma: 0.5 }), new L1(), new L2()];
    const local = stack(...blurs(3)), physics = await distribute(blurs(3), ctx);
    const y = await noisy(local);
    const stacked = new StackedPhysicsDataFidelity(fidelities);
    const fidelity = await distribute(stacked, ctx);
    const expected = await stacked.fn(x, y, local);
    const scale = await expected.abs().max().item();
    await close(await fidelity.fn(x, y, physics), expected, CLOSE * scale);
    await close(await fidelity.grad(x, y, physics), await stacked.grad(x, y, local), 5 * CLOSE);
  },
  async 4() {
    const local = stack(...blurs(3)), physics = await distribute(blurs(3), ctx);
    const y = await noisy(local);
    const options = { prior: new L1Prior(), lambda: 0.02, stepsize: 0.3, maxIter: 4 };
    for (const Algorithm of [PGD, HQS, ADMM, DRS]) {
      const expected = await new Algorithm({ dataFidelity: new L2(), ...options }).run(y, local);
      assert.ok(expected.metrics.cost[0].length > 0);
      for (const dataFidelity of [await distribute(new L2(), ctx), new L2()]) {
        const { x: found, metrics } = await new Algorithm({ dataFidelity, ...options }).run(y, physics);
        await close(found, expected.x, 1e-4);
        metrics.cost[0].forEach((cost, k) =>
          assert.ok(Math.abs(cost - expected.metrics.cost[0][k]) <= 1e-4 * Math.abs(cost), Algorithm.name)
        );
      }
    }
  },
  async 5() {
    const median = new MedianDenoiser(5);
    const tiling = { patchSize: 8, overlap: 2 };
    for (const typeObject of ["auto", "prior"] as const) {
      const options = { ...tiling, typeObject };
      const pnp = await distribute(new PnP({ denoiser: median }), ctx, options);
      await close(await pnp.prox(x, 0.1, 1), await median.forward(x), 0);
      for (const Class of [RED, ScorePrior]) {
        const prior = new Class({ denoiser: median });
        const spread = await distribute(prior, ctx, options);
        await close(await spread.grad(x, 0.1), await prior.grad(x, 0.1), 0);
      }
      const tv = await distribute(new TVPrior({ nItMax: 30 }), ctx, options);
      assert.equal(tv.explicitPrior, true);
      await close(
        await tv.prox(x, undefined, 0.1),
        await new TVPrior({ nItMax: 30 }).prox(x, undefined, 0.1),
        0,
      );
      await close(await tv.fn(x), await new TVPrior().fn(x), 0);
      await close(await tv.grad(x), await new TVPrior().grad(x), 0);
    }
    await assert.rejects(
      distribute(new PnP({ denoiser: median }) as unknown as Denoiser, ctx, { typeObject: "denoiser" }),
      /the object must be a Denoiser, got PnP/,
    );
  },
  async 6() {
    const median = new MedianDenoiser(3);
    for (
      const [height, width, patchSize, overlap] of [
        [16, 16, 16, 2],
        [16, 16, 20, 8],
        [30, 20, 25, 6],
        [30, 10, 25, 6],
        [10, 30, 25, 6],
        [128, 128, 256, 64],
      ]
    ) {
      const signal = image(1, 1, height, width);
      const tiled = await distribute(median, ctx, { patchSize, overlap });
      await close(await tiled.forward(signal, 0), await median.forward(signal), 0);
    }
  },
  async 7() {
    for (const [height, width] of [[481, 321], [257, 257]]) {
      const signal = image(1, 1, height, width);
      const level = new AddsLevel();
      const tiled = await distribute(level, ctx, { tilingStrategy: "basic", maxBatchSize: 3 });
      await close(await tiled.forward(signal, 0.5), await level.forward(signal, 0.5), 0);
    }
    assert.equal(new BasicStrategy([1, 1, 64, 64], { patchSize: 16 }).getNumPatches(), 16);
  },
  async 8() {
    const local = stack(...blurs(1)), physics = await distribute(blurs(1), ctx);
    const y = await noisy(local);
    await close(await physics.A(x), await local.A(x));
    await close(await physics.A_adjoint(y), await local.A_adjoint(y));
    await close(await physics.A_adjoint_A(x), await local.A_adjoint_A(x));
    for (
      const [spread, single] of [[await distribute(new L2(), ctx), new L2()], [
        await distribute(new L1(), ctx),
        new L1(),
      ]]
    ) {
      await close(await spread.grad(x, y, physics), await single.grad(x, y, local));
      await close(await spread.prox(x, y, physics, 0.2), await single.prox(x, y, local, 0.2), 1e-4);
    }
  },
  async 9() {
    const signal = image(3, 1, 20, 24);
    const level = new AddsLevel();
    const tiled = await distribute(level, ctx, { patchSize: 8, overlap: 2, maxBatchSize: 2 });
    for (
      const sigma of [
        Tensor.from([0.5]),
        Tensor.from([1, 2, 3]),
        Tensor.from([1, 2, 3], [3, 1, 1, 1]),
        image(3, 1, 20, 24),
        image(1, 1, 20, 24),
      ]
    ) await close(await tiled.forward(signal, sigma), await level.forward(signal, sigma), 0);
    await assert.rejects(tiled.forward(signal, Tensor.from([1, 2])), /sigma must be/);
  },
  async 10() {
    for (const count of [2, 3, 5]) {
      const local = stack(...blurs(count)), physics = await distribute(blurs(count), ctx);
      const y = await noisy(local);
      const mine = TensorList.from(physics.localIndexes.map((i) => y.get(i)));
      const fidelity = await distribute(new L2(), ctx);
      await close(await fidelity.grad(x, mine, physics), await fidelity.grad(x, y, physics), 0);
      await close(await fidelity.fn(x, mine, physics), await fidelity.fn(x, y, physics), 0);
      await close(await fidelity.prox(x, mine, physics, 0.3), await fidelity.prox(x, y, physics, 0.3), 0);
    }
    const physics = await distribute(blurs(3), ctx), fidelity = await distribute(new L2(), ctx);
    await assert.rejects(
      fidelity.grad(x, TensorList.from([x, x, x, x]), physics),
      /y must be a TensorList of 3 entries/,
    );
  },
  async 11() {
    const local = stack(...blurs(4)), physics = await distribute(blurs(4), ctx);
    const y = await noisy(local);
    const whole = (await local.A_adjoint(y)).mul(1 / 4);
    const part = await physics.A_adjoint(y, { gather: false, reduceOp: "mean" }) as Tensor;
    await close(await ctx.allReduce(part), whole);
    await close(
      await ctx.allReduce(await physics.A_dagger(y, { gather: false })),
      await physics.A_dagger(y),
    );
    const mean = await distribute(new L2(), ctx, { reduction: "mean" });
    await close(
      await ctx.allReduce(await mean.grad(x, y, physics, { gather: false })),
      (await new L2().grad(x, y, local)).mul(1 / 4),
    );
  },
  async 12() {
    await distribute(blurs(1), ctx);
    const tiled = await distribute(new Recorder(), ctx, { patchSize: 64 });
    await tiled.forward(x, 0);
  },
  async 13() {
    const local = stack(...blurs(3)), physics = await distribute(blurs(3), ctx);
    const y = await noisy(local);
    const few = { localOnly: false, maxIter: 4 };
    await close(await physics.A_dagger([...y], few), await local.A_dagger(y, { maxIter: 4 }));
    assert.equal(physics.length, 3);
    for (const [k, index] of physics.localIndexes.entries()) {
      assert.equal(physics.get(index), physics.localPhysics[k]);
      assert.equal(physics.get(index - 3), physics.localPhysics[k]);
    }
    assert.throws(() => physics.get(3), /the index must be in \[-3, 2\]/);
    physics.update({ filter: gaussianBlur({ sigma: 3 }) });
    const wide = new Blur({ filter: gaussianBlur({ sigma: 3 }), padding: "circular" });
    for (const entry of await physics.A(x)) await close(entry, await wide.A(x));
    assert.throws(() => physics.update({ nothing: 1 }), /"nothing"/);

    // Names of a new noise model are known on ranks without operators, and shapes are learned anew.
    const one = new Blur({ filter: gaussianBlur({ sigma: 0.5 }), padding: "valid" });
    const single = await distribute([one.clone()], ctx);
    await close((await single.A(x)).get(0), await one.A(x));
    one.update({ filter: gaussianBlur({ sigma: 1 }) });
    single.update({ filter: gaussianBlur({ sigma: 1 }) });
    await close((await single.A(x)).get(0), await one.A(x));
    single.setNoiseModel(new GaussianNoise({ sigma: 0.5, seed: 3 }));
    single.update({ sigma: 0 });
    const seen = await single.forward(x);
    await close(seen.get(0), await one.A(x));
    const back = await single.A_adjoint(seen, { reduceOp: undefined });
    await close(back, await one.A_adjoint(seen.get(0)));

    physics.setNoiseModel(new GaussianNoise({ sigma: 0, seed: 3 }));
    await close(await physics.forward(x), await physics.A(x), 0);
    physics.setNoiseModel(new GaussianNoise({ sigma: 0.5, seed: 5 }), 1);
    const once = await physics.forward(x);
    assert.ok(await largestDifference(once.get(1), await wide.A(x)) > 0.5);
    await close(once.get(2), await wide.A(x));
    physics.update({ sigma: 0.1 });
    const noises = [...await physics.forward(x)];
    for (const [a, b] of [[0, 1], [1, 2], [0, 2]]) {
      assert.ok(await largestDifference(noises[a], noises[b]) > 0.05, "noises differ");
    }
    const same = await physics.forward(x, { seed: 9 }), again = await physics.forward(x, { seed: 9 });
    await close(same, again, 0);
    const clamped = await distribute(
      [1, 2].map(() =>
        new Denoising({ noiseModel: new GaussianNoise({ sigma: 0 }), sensor: (v) => v.clamp(0.4, 0.6) })
      ),
      ctx,
    );
    for (const entry of await clamped.forward(x)) await close(entry, x.clamp(0.4, 0.6), 0);
  },
  async 14() {
    await assert.rejects(
      distribute(blurs(2), ctx, { shared: 1 } as object),
      /an option must be .*got "shared"/,
    );
    await assert.rejects(distribute(new L2(), ctx, { reduction: "max" as "sum" }), /reduction must be/);
    const physics = await distribute(blurs(2), ctx);
    assert.ok(await physics.A(x, { gather: false }) instanceof TensorList, "A is not reduced by default");
    const blended = await distribute(new MedianDenoiser(3), ctx, { patchSize: 8, overlap: 3, blend: "hann" });
    const signal = image(1, 1, 19, 21);
    await close(await blended.forward(signal, 0), await new MedianDenoiser(3).forward(signal), 0.2);
    const flat = await distribute(new Recorder(), ctx, { patchSize: 8, overlap: 3, blend: "hann" });
    await close(await flat.forward(signal, 0), signal, 1e-6);
  },
};

for (const [number, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`defect ${number}: ok`);
  } catch (error) {
    console.log(`defect ${number}: ${(error as Error).stack}`);
    throw error;
  }
}
