/** Every rank compares what distributed objects give with what their local twins give. */
import assert from "node:assert/strict";
import {
  Blur,
  type DataFidelity,
  distribute,
  DistributedContext,
  type DistributedStackedLinearPhysics,
  gaussianBlur,
  GaussianNoise,
  L2,
  type LinearPhysics,
  Physics,
  stack,
  StackedPhysicsDataFidelity,
  Tensor,
  TensorList,
} from "@deepinv/distributed";
import { image, largestDifference } from "../../golden.ts";
import { MedianDenoiser } from "../median_denoiser.ts";

const [device] = Deno.args;
await using ctx = await DistributedContext.create({
  device: device as "cpu" | "gpu",
  seed: 42,
  timeout: 60_000,
});
const CLOSE = 1e-5;

/** y = c x^2 */
class Squares extends Physics<Tensor> {
  constructor(readonly scale: number) {
    super();
  }

  override A(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x.square().mul(this.scale));
  }

  override A_vjp(x: Tensor, v: Tensor): Promise<Tensor> {
    return Promise.resolve(x.mul(v).mul(2 * this.scale));
  }
}

const blurs = (count: number): LinearPhysics<Tensor>[] =>
  Array.from({ length: count }, (_, i) =>
    new Blur({
      filter: gaussianBlur({ sigma: 1 + 0.5 * i }),
      padding: i % 2 ? "circular" : "valid",
      noiseModel: new GaussianNoise({ sigma: 0.1, seed: i }),
    }));

async function close(
  actual: Tensor | TensorList,
  expected: Tensor | TensorList,
  what: string,
): Promise<void> {
  const difference = await largestDifference(actual, expected);
  assert.ok(difference <= CLOSE, `${what}: differs by ${difference}`);
}

for (const count of [1, 4, 7]) {
  for (const batch of [1, 3]) await checkOperators(count, image(batch, 2, 31, 34));
}
await checkFactoriesAndFidelities();
await checkNonLinear();
await checkTiles();
await checkTensorCollectives();
console.log("done");

async function checkOperators(count: number, x: Tensor): Promise<void> {
  const local = stack(...blurs(count));
  const physics = await distribute(count % 2 ? blurs(count) : stack(...blurs(count)), ctx);
  assert.equal(physics.numOperators, count);
  assert.deepEqual(physics.localIndexes, ctx.localIndices(count));
  assert.equal(physics.localPhysics.length, physics.localIndexes.length);

  const y = await local.A(x);
  await close(await physics.A(x), y, "A");
  const mine = physics.localIndexes.map((i) => y.get(i));
  await close(await physics.A(x, { gather: false }), TensorList.from(mine), "A, local");
  await close(await physics.A_adjoint(y), await local.A_adjoint(y), "A_adjoint");
  await close(
    await physics.A_adjoint(TensorList.from(mine)),
    await local.A_adjoint(y),
    "A_adjoint of local y",
  );
  await close(await physics.A_adjoint([...y]), await local.A_adjoint(y), "A_adjoint of an array");
  await close(await physics.A_vjp(x, y), await local.A_adjoint(y), "A_vjp");
  await close(await physics.A_adjoint_A(x), await local.A_adjoint_A(x), "A_adjoint_A");
  await close(await physics.A_A_adjoint(y), await local.A_A_adjoint(y), "A_A_adjoint");
  const few = { maxIter: 5 };
  await close(
    await physics.A_dagger(y, { localOnly: false, ...few }),
    await local.A_dagger(y, few),
    "A_dagger",
  );
  await close(await physics.prox_l2(x, y, 0.7), await local.prox_l2(x, y, 0.7), "prox_l2");

  const half = await physics.A_adjoint(y, { reduceOp: "mean" });
  await close(half, (await local.A_adjoint(y)).mul(1 / count), "A_adjoint, mean");
  for (const reduceOp of ["sum", "mean"] as const) {
    const part = await physics.A_adjoint(y, { gather: false, reduceOp });
    await close(
      await ctx.allReduce(part as Tensor),
      await physics.A_adjoint(y, { reduceOp }),
      `parts, ${reduceOp}`,
    );
  }
  const list = await physics.A_adjoint(y, { reduceOp: null }) as TensorList;
  assert.equal(list.length, count);

  const noisy = await physics.forward(x);
  assert.equal(noisy.length, count);
  assert.ok(await largestDifference(noisy, y) > 0.05, "forward adds noise");
  const values = await noisy.get(count - 1).data();
  for (const others of await ctx.allGather(values)) assert.deepEqual(others, values, "all ranks see one y");

  const whole = await physics.computeSqnorm(x, { localOnly: false, maxIter: 30 });
  const bound = await physics.computeSqnorm(x, { maxIter: 30 });
  assert.ok(Math.abs(whole - await local.computeSqnorm(x, { maxIter: 30 })) < 1e-3);
  assert.ok(bound >= whole * 0.98, `${bound} bounds ${whole}`);
  await checkDagger(physics, y, count);
}

async function checkDagger(
  physics: DistributedStackedLinearPhysics,
  y: TensorList,
  count: number,
): Promise<void> {
  let mean: Tensor | undefined;
  for (const [i, blur] of blurs(count).entries()) {
    const own = (await blur.A_dagger(y.get(i))).mul(1 / count);
    mean = mean ? mean.add(own) : own;
  }
  await close(await physics.A_dagger(y), mean!, "A_dagger, localOnly");
}

async function checkFactoriesAndFidelities(): Promise<void> {
  const x = image(2, 1, 16, 16);
  const factory = (index: number, _device: unknown, kwargs: Record<string, unknown>) =>
    new Blur({ filter: gaussianBlur({ sigma: (kwargs.sigma as number) + index / 2 }), padding: "circular" });
  const physics = await distribute(factory, ctx, {
    typeObject: "linear_physics",
    numOperators: 5,
    factoryKwargs: { sigma: ctx.rank === 0 ? 1 : 99 },
  });
  const local = stack(...[0, 1, 2, 3, 4].map((index) => factory(index, undefined, { sigma: 1 })));
  await close(await physics.A(x), await local.A(x), "factory with rank 0's arguments");

  const y = TensorList.from(
    [...await local.A(x)].map((entry, i) => entry.add(Tensor.randn(entry.shape, { seed: i }))),
  );
  const l2 = new L2({ sigma: 0.5 });
  const fidelities = [1, 2, 3, 4, 5].map((sigma) => new L2({ sigma }));
  const same = await distribute(l2, ctx);
  await relativelyClose(await same.fn(x, y, physics), await l2.fn(x, y, local), "fn");
  await close(await same.grad(x, y, physics), await l2.grad(x, y, local), "grad");
  await close(await same.prox(x, y, physics, 0.3), await l2.prox(x, y, local, 0.3), "prox");
  await close(
    await l2.grad(x, y, physics),
    await l2.grad(x, y, local),
    "a local fidelity on distributed physics",
  );
  await relativelyClose(await l2.fn(x, y, physics), await l2.fn(x, y, local), "its fn");
  const mine = TensorList.from(physics.localIndexes.map((i) => y.get(i)));
  await close(await same.grad(x, mine, physics), await l2.grad(x, y, local), "grad of local y");

  const terms: Tensor[] = [];
  for (const [i, fidelity] of fidelities.entries()) {
    terms.push(await fidelity.grad(x, y.get(i), local.get(i)));
  }
  const sum = terms.reduce((total, term) => total.add(term));
  const stackedFidelity = await distribute(new StackedPhysicsDataFidelity(fidelities), ctx);
  await close(await stackedFidelity.grad(x, y, physics), sum, "a stacked fidelity");
  for (
    const each of [
      await distribute(fidelities, ctx),
      await distribute(fidelityAt, ctx, { typeObject: "data_fidelity", numOperators: 5 }),
    ]
  ) {
    await close(await each.grad(x, y, physics), sum, "one fidelity for each operator");
  }
  const averaged = await distribute(fidelities, ctx, { reduction: "mean" });
  await close(await averaged.grad(x, y, physics), sum.mul(1 / 5), "mean");
  const part = await same.grad(x, y, physics, { gather: false });
  await close(await ctx.allReduce(part), await l2.grad(x, y, local), "parts of the gradient");
  await assert.rejects(same.grad(x, y, local), /physics must be distributed/);
  const four = await distribute(fidelities.slice(1), ctx);
  await assert.rejects(four.grad(x, y, physics), /a stack of 4 operators/);
}

function fidelityAt(index: number): DataFidelity {
  return new L2({ sigma: index + 1 });
}

async function relativelyClose(actual: Tensor, expected: Tensor, what: string): Promise<void> {
  const values = await expected.data();
  (await actual.data()).forEach((value, i) =>
    assert.ok(
      Math.abs(value - values[i]) <= CLOSE * Math.abs(values[i]),
      `${what}: ${value} and ${values[i]}`,
    )
  );
}

async function checkNonLinear(): Promise<void> {
  const x = image(1, 1, 5, 7);
  const local = stack(...[1, 2, 3].map((scale) => new Squares(scale)));
  const physics = await distribute([1, 2, 3].map((scale) => new Squares(scale)), ctx);
  const y = await local.A(x.mul(0.9));
  await close(await physics.A(x), await local.A(x), "non-linear A");
  await close(await physics.A_vjp(x, y), await local.A_vjp(x, y), "non-linear A_vjp");
  const fidelity = await distribute(new L2(), ctx);
  await close(await fidelity.grad(x, y, physics), await new L2().grad(x, y, local), "non-linear gradient");
}

async function checkTiles(): Promise<void> {
  const x = image(2, 3, 20, 23);
  const median = new MedianDenoiser(5);
  for (const patchSize of [8, 30]) {
    const tiled = await distribute(median, ctx, { patchSize, overlap: 2, maxBatchSize: 2 });
    for (let repeat = 0; repeat < 2; repeat++) {
      assert.equal(await largestDifference(await tiled.forward(x, 0), await median.forward(x)), 0, "tiles");
    }
    const part = await tiled.forward(x, 0, { gather: false });
    assert.equal(
      await largestDifference(await ctx.allReduce(part), await median.forward(x)),
      0,
      "parts of the image",
    );
  }
}

async function checkTensorCollectives(): Promise<void> {
  const { rank, worldSize } = ctx;
  const x = Tensor.full([2, 3], rank + 1);
  const total = (worldSize * (worldSize + 1)) / 2;
  assert.deepEqual([...await (await ctx.allReduce(x)).data()], new Array(6).fill(total));
  assert.deepEqual([...await x.data()], new Array(6).fill(rank + 1), "a tensor argument is left alone");
  assert.equal(await (await ctx.broadcast(Tensor.full([], rank), worldSize - 1)).item(), worldSize - 1);
  const gathered = await ctx.allGather(Tensor.full([rank + 1, 2], rank));
  assert.deepEqual(
    gathered.map((tensor) => tensor.shape),
    Array.from({ length: worldSize }, (_, r) => [r + 1, 2]),
  );
  const at = await ctx.gather(Tensor.full([1], rank), 0);
  if (rank === 0) assert.deepEqual(await Promise.all(at!.map((t) => t.item())), [...Array(worldSize).keys()]);
  else assert.equal(at, null);
  const pieces = Array.from({ length: worldSize }, (_, r) => Tensor.full([1, r + 1], r));
  const piece = await ctx.scatter(rank === 0 ? pieces : null, 0);
  assert.deepEqual(piece.shape, [1, rank + 1]);
  const scattered = await ctx.reduceScatter(pieces);
  assert.deepEqual([...await scattered.data()], new Array(rank + 1).fill(rank * worldSize));
  const exchanged = await ctx.allToAll(pieces.map((_, r) => Tensor.full([rank + 1], r)));
  assert.deepEqual(exchanged.map((tensor) => tensor.shape), pieces.map((_, r) => [r + 1]));
  if (worldSize > 1) {
    const evens = await ctx.newGroup([...Array(worldSize).keys()].filter((r) => r % 2 === 0));
    if (rank % 2 === 0) {
      assert.equal(await (await ctx.allReduce(Tensor.ones([1]), { group: evens })).item(), evens.size);
    }
    if (rank === 0) await ctx.send(Tensor.full([2, 2], 7), 1, 5);
    if (rank === 1) assert.deepEqual([...await ctx.recv(0, 5) as Float32Array], [7, 7, 7, 7]);
  }
  await ctx.barrier();
}
