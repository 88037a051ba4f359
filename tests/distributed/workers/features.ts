/** Every rank checks proxes, blending, balanced shares, counted communication and the timeline. */
import assert from "node:assert/strict";
import {
  type Blend,
  Blur,
  type DataFidelity,
  distribute,
  DistributedContext,
  DistributedSignalStrategy,
  gaussianBlur,
  HQS,
  type IndexedPatch,
  IndicatorL2,
  L1,
  L2,
  type LinearPhysics,
  PGD,
  Physics,
  PnP,
  stack,
  StackedPhysicsDataFidelity,
  Tensor,
  TensorList,
} from "@deepinv/distributed";
import { image, largestDifference } from "../../golden.ts";
import { MedianDenoiser } from "../median_denoiser.ts";

const [device, traceFile] = Deno.args;
await using ctx = await DistributedContext.create({
  device: device as "cpu" | "gpu",
  seed: 7,
  timeout: 60_000,
});
const { rank, worldSize } = ctx;
const x = image(2, 1, 16, 18);

const blurs = (count: number): LinearPhysics<Tensor>[] =>
  Array.from(
    { length: count },
    (_, i) =>
      new Blur({ filter: gaussianBlur({ sigma: 0.5 + 0.15 * i }), padding: i % 2 ? "circular" : "valid" }),
  );

/** y = x^2 / 2 + x */
class Curved extends Physics<Tensor> {
  override A(z: Tensor): Promise<Tensor> {
    return Promise.resolve(z.square().mul(0.5).add(z));
  }

  override A_vjp(z: Tensor, v: Tensor): Promise<Tensor> {
    return Promise.resolve(z.add(1).mul(v));
  }
}

/** A fidelity that knows better than d(A(x), y). */
class Halved extends L2 {
  override async fn(z: Tensor, y: Tensor, physics: Physics): Promise<Tensor> {
    return (await super.fn(z, y, physics)).mul(0.5);
  }

  override async grad(z: Tensor, y: Tensor, physics: Physics): Promise<Tensor> {
    return (await super.grad(z, y, physics)).mul(0.5);
  }
}

/** Rows of unequal heights. */
class UnevenRows extends DistributedSignalStrategy {
  static readonly borders = [0, 9, 10, 12, 13, 16];

  override getNumPatches(): number {
    return UnevenRows.borders.length - 1;
  }

  override costOf(index: number): number {
    return UnevenRows.borders[index + 1] - UnevenRows.borders[index];
  }

  override getLocalPatches(signal: Tensor, localIndices: readonly number[]): IndexedPatch[] {
    return localIndices.map((i) => [
      i,
      signal.slice([null, null, [UnevenRows.borders[i], UnevenRows.borders[i + 1]]]),
    ]);
  }

  override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
    for (const [i, patch] of patches) out.writeSlice(patch, [0, 0, UnevenRows.borders[i], 0]);
  }
}

async function close(a: Tensor | TensorList, b: Tensor | TensorList, tolerance = 1e-5): Promise<void> {
  const difference = await largestDifference(a, b);
  assert.ok(difference <= tolerance, `differs by ${difference}`);
}

async function noisy(physics: { A(x: Tensor): Promise<TensorList> }): Promise<TensorList> {
  const y = await physics.A(x);
  return TensorList.from(
    [...y].map((entry, i) => entry.addScaled(Tensor.randn(entry.shape, { seed: 100 + i }), 0.1)),
  );
}

for (const count of [1, 3, 4]) await checkProxes(count);
await checkNonLinear();
await checkOverriding();
await checkBlending();
await checkAssignment();
await checkCounts();
await checkTrace();
console.log("done");

async function checkProxes(count: number): Promise<void> {
  const local = stack(...blurs(count)), physics = await distribute(blurs(count), ctx);
  const y = await noisy(local);
  const lists: DataFidelity[][] = [
    Array.from({ length: count }, (_, i) => new L2({ sigma: 0.5 + i })),
    Array.from({ length: count }, (_, i) => (i % 2 ? new L2() : new L1())),
    Array.from({ length: count }, (_, i) => new IndicatorL2({ radius: 1 + i })),
  ];
  for (const list of lists) {
    const spread = await distribute(new StackedPhysicsDataFidelity(list), ctx);
    const found = await spread.prox(x, y, physics, 0.3);
    const alone = await distribute(list, await ctx.single());
    const reference = await alone.prox(x, y, await distribute(blurs(count), await ctx.single()), 0.3);
    await close(found, reference, 2e-4);
    if (count === 1) continue;
    await close(found, await new StackedPhysicsDataFidelity(list).prox(x, y, local, 0.3), 2e-3);
  }
  const mean = await distribute(new L2(), ctx, { reduction: "mean" });
  await close(await mean.prox(x, y, physics, 0.6), await new L2().prox(x, y, local, 0.6 / count), 1e-4);
}

async function checkNonLinear(): Promise<void> {
  const parts = () => [new Curved(), ...blurs(3), new Curved()];
  const local = stack(...parts()), physics = await distribute(parts(), ctx);
  const y = await noisy(local);
  const fidelity = await distribute(new L2(), ctx);
  await close(await fidelity.grad(x, y, physics), await new L2().grad(x, y, local), 2e-5);
  await close(await fidelity.prox(x, y, physics, 0.05), await new L2().prox(x, y, local, 0.05), 1e-4);
  const mean = await distribute(new L2(), ctx, { reduction: "mean" });
  const expected = (await new L2().grad(x, y, local)).mul(1 / 5);
  await close(await mean.grad(x, y, physics), expected);
  await close(await ctx.allReduce(await mean.grad(x, y, physics, { gather: false })), expected);
  const robust = await distribute([new L1(), new L2(), new L2(), new L2(), new L2()], ctx);
  await assert.rejects(robust.prox(x, y, physics, 0.1), /physics must be linear/);
}

async function checkOverriding(): Promise<void> {
  const local = stack(...blurs(3)), physics = await distribute(blurs(3), ctx);
  const y = await noisy(local);
  const halved = await distribute(new Halved(), ctx);
  await close(await halved.grad(x, y, physics), (await new L2().grad(x, y, local)).mul(0.5));
  await close(await halved.fn(x, y, physics), (await new L2().fn(x, y, local)).mul(0.5), 1e-4);
}

async function checkBlending(): Promise<void> {
  const signal = image(1, 2, 37, 29);
  const median = new MedianDenoiser(3);
  const one = await ctx.single();
  for (const blend of ["crop", "linear", "hann"] satisfies Blend[]) {
    for (const padding of ["reflect", "circular", "replicate", "constant"] as const) {
      const options = { patchSize: [10, 12], overlap: 4, stride: [7, 12], blend, padding, maxBatchSize: 2 };
      const tiled = await distribute(median, ctx, options);
      const reference = await (await distribute(median, one, options)).forward(signal, 0);
      for (let call = 0; call < 3; call++) await close(await tiled.forward(signal, 0), reference, 0);
    }
  }
}

async function checkAssignment(): Promise<void> {
  const costs = [1, 1, 1, 8, 1, 1, 3];
  const local = stack(...blurs(7));
  const y = await noisy(local);
  for (
    const physics of [
      await distribute(blurs(7), ctx, { assignment: "balanced", costs }),
      await distribute(blurs(7).map((blur, i) => Object.assign(blur, { cost: costs[i] })), ctx, {
        assignment: "balanced",
      }),
      await distribute((i: number) => blurs(7)[i], ctx, {
        assignment: "balanced",
        numOperators: 7,
        typeObject: "linear_physics",
      }),
    ]
  ) {
    await close(await physics.A_adjoint(y), await local.A_adjoint(y));
    await close(await physics.A(x), await local.A(x));
    const fidelity = await distribute((i: number) => new L2({ sigma: i + 1 }), ctx, {
      typeObject: "data_fidelity",
      numOperators: 7,
    });
    await fidelity.grad(x, y, physics);
    const shares = await ctx.allGatherObject([...physics.localIndexes]);
    assert.deepEqual(shares.flat().sort(), [0, 1, 2, 3, 4, 5, 6]);
  }
  const hinted = await distribute(blurs(7), ctx, { assignment: "balanced", costs });
  if (worldSize === 2) assert.deepEqual([...hinted.localIndexes], rank === 0 ? [3] : [0, 1, 2, 4, 5, 6]);
  const looked = await distribute(blurs(4), ctx, { assignment: "balanced" });
  const before = rank === 0 ? [...looked.localIndexes] : [];
  await looked.A(x);
  if (rank === 0) assert.deepEqual([...looked.localIndexes], before, "a share that was seen stays");

  const signal = image(2, 1, 16, 7);
  const rows = await distribute(new MedianDenoiser(1), ctx, {
    tilingStrategy: UnevenRows,
    assignment: "balanced",
  });
  for (let call = 0; call < 4; call++) await close(await rows.forward(signal, 0), signal, 0);
}

/** Calls of collectives while f runs. */
async function counted(f: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = ctx.stats().collectives;
  await f();
  return Object.fromEntries(
    Object.entries(ctx.stats().collectives)
      .map(([name, { calls }]) => [name, calls - (before[name]?.calls ?? 0)] as const)
      .filter(([, calls]) => calls > 0),
  );
}

async function checkCounts(): Promise<void> {
  const many = worldSize > 1;
  const expect = (counts: Record<string, number>) => (many ? counts : {});
  const operators = Math.max(4, worldSize);
  const physics = await distribute(blurs(operators), ctx);
  const y = await noisy(stack(...blurs(operators)));
  const fidelity = await distribute(new L2(), ctx);
  const denoiser = await distribute(new MedianDenoiser(3), ctx, { patchSize: 8, overlap: 2 });
  const warm = async () => {
    await physics.A(x);
    await fidelity.prox(x, y, physics, 1);
    await denoiser.forward(x, 0);
  };
  await warm();
  assert.deepEqual(await counted(() => physics.A(x)), expect({ allGather: 1 }));
  assert.deepEqual(await counted(() => physics.A_adjoint(y)), expect({ allReduce: 1 }));
  assert.deepEqual(await counted(() => physics.A_adjoint_A(x)), expect({ allReduce: 1 }));
  assert.deepEqual(await counted(() => physics.A_vjp(x, y)), expect({ allReduce: 1 }));
  assert.deepEqual(await counted(() => fidelity.grad(x, y, physics)), expect({ allReduce: 1 }));
  assert.deepEqual(await counted(() => fidelity.fn(x, y, physics)), expect({ allReduce: 1 }));
  assert.deepEqual(await counted(() => denoiser.forward(x, 0)), expect({ allGather: 1 }));
  assert.deepEqual(await counted(() => physics.A(x, { gather: false })), {});
  assert.deepEqual(await counted(() => physics.A_adjoint(y, { gather: false })), {});
  assert.deepEqual(await counted(() => denoiser.forward(x, 0, { gather: false })), {});

  const batched = await distribute(new MedianDenoiser(3), ctx, { patchSize: 8, overlap: 2, maxBatchSize: 1 });
  await batched.forward(x, 0);
  const rounds = Math.ceil(6 / worldSize);
  assert.deepEqual(await counted(() => batched.forward(x, 0)), expect({ allGather: rounds }));

  const before = ctx.stats().collectives.allGather?.bytes ?? 0;
  await denoiser.forward(x, 0);
  const sent = (ctx.stats().collectives.allGather?.bytes ?? 0) - before;
  const bytes = await ctx.allReduce(Float64Array.of(sent));
  assert.equal(bytes[0], many ? 4 * x.numel : 0, "every sample of the image is sent once, no halo, no zero");

  const prior = new PnP({ denoiser });
  const settings = { dataFidelity: fidelity, prior, sigmaDenoiser: 0.1, stepsize: 0.3, maxIter: 3 };
  const pgd = await counted(() => new PGD(settings).run(y, physics, { init: x }));
  assert.deepEqual(pgd, expect({ allReduce: 3, allGather: 3 }), "an iteration of PGD");
  let solves = 0;
  const normal = physics.A_adjoint_A.bind(physics);
  physics.A_adjoint_A = ((...args: Parameters<typeof normal>) => {
    solves++;
    return normal(...args);
  }) as typeof physics.A_adjoint_A;
  const hqs = await counted(() => new HQS(settings).run(y, physics, { init: x }));
  const { allReduce = 0, ...rest } = hqs;
  assert.deepEqual(rest, expect({ allGather: 3 }), "an iteration of HQS gathers its tiles once");
  assert.equal(allReduce, many ? 3 + solves : 0, "and sums the adjoint and each step of conjugate gradients");
}

async function checkTrace(): Promise<void> {
  const physics = await distribute(blurs(worldSize), ctx);
  const denoiser = await distribute(new MedianDenoiser(3), ctx, { patchSize: 8, overlap: 2 });
  const y = await ctx.trace(`${traceFile}.part`, async () => {
    await physics.A(x);
    await denoiser.forward(x, 0);
    return await physics.A(x);
  }, { device: true });
  assert.equal(y.length, worldSize);
  await ctx.trace(traceFile);
  const { operators, work } = ctx.stats();
  assert.ok(operators[`${rank} Blur.A`].calls >= 2);
  assert.ok(work.operators.milliseconds > 0 && work.denoiser.calls > 0);
  await assert.rejects(ctx.trace("/nowhere/at/all.json"), /Cannot write the trace/);
}
