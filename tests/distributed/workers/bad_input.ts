/** Every rank checks that bad input ends in a clear error on all ranks: everywhere the same, or on one rank alone. */
import assert from "node:assert/strict";
import {
  BasicStrategy,
  Blur,
  type DataFidelity,
  type Denoiser,
  Denoising,
  distribute,
  DistributedContext,
  type DistributeOptions,
  gaussianBlur,
  InvalidArgumentError,
  L1,
  L2,
  type LinearPhysics,
  PnP,
  RankFailedError,
  stack,
  Tensor,
  TensorList,
} from "@deepinv/distributed";
import { image } from "../../golden.ts";
import { Squares } from "../../physics/toys.ts";
import { Recorder } from "../toys.ts";

await using ctx = await DistributedContext.create({ device: "cpu", seed: 1, timeout: 20_000 });
const x = image(2, 1, 12, 14);
const blurs = [1, 2, 3].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
const median = new Recorder();
/** The rank that is given something else. */
const odd = ctx.worldSize - 1;

const any = (value: unknown) => value as never;
const spread = (object: unknown, options: object = {}): Promise<unknown> =>
  distribute(any(object), ctx, options as DistributeOptions);
const factory = (make: (index: number) => unknown) => (index: number) =>
  any(make(index)) as LinearPhysics<Tensor>;

/** What is wrong on all ranks. */
const everywhere: readonly [unknown, object, RegExp][] = [
  [blurs, { typeObject: "operator" }, /typeObject must be "auto", "physics".* got "operator"/],
  [blurs, { gatherStrategy: "fastest" }, /gatherStrategy must be "concatenated", "naive", "broadcast"/],
  [blurs, { assignment: "random" }, /assignment must be/],
  [blurs, { patchsize: 8 }, /an option must be .*"patchSize".* got "patchsize"/],
  [blurs, { costs: [1, 2] }, /costs must be 3 finite numbers >= 0/],
  [blurs, { assignment: "balanced", costs: [1, -2, 1] }, /costs must be 3 finite numbers/],
  [blurs, { numOperators: 4 }, /numOperators must be its length 3, got 4/],
  [[], {}, /got an empty list/],
  [[], { typeObject: "physics" }, /numOperators must be >= 1, got an empty list/],
  [[blurs[0], new L2()], {}, /got a list of different things/],
  [[blurs[0], null], { typeObject: "physics" }, /every entry must be a Physics, got null/],
  [blurs[0], {}, /a stack or list of Physics.*, got Blur/],
  [blurs[0], { typeObject: "physics" }, /a stack, a list or a factory, got Blur/],
  [blurs[0], { typeObject: "denoiser" }, /the object must be a Denoiser, got Blur/],
  [null, {}, /the object must be .*, got null/],
  [7, { typeObject: "data_fidelity" }, /a stack, a list or a factory, got Number/],
  [median, { typeObject: "prior" }, /the object must be a Prior, got Recorder/],
  [new PnP({ denoiser: median }), { typeObject: "denoiser" }, /a Denoiser, got PnP/],
  [blurs, { typeObject: "data_fidelity" }, /every entry must be a DataFidelity, got Blur/],
  [[blurs[0], new Squares()], { typeObject: "linear_physics" }, /every operator must be linear/],
  [factory(() => blurs[0]), {}, /typeObject says what it makes/],
  [
    factory(() => blurs[0]),
    { typeObject: "physics" },
    /numOperators must be a whole number >= 1, got undefined/,
  ],
  [factory(() => blurs[0]), { typeObject: "physics", numOperators: 0 }, /numOperators must be a whole/],
  [factory(() => blurs[0]), { typeObject: "physics", numOperators: 2.5 }, /numOperators must be a whole/],
  [
    factory(() => blurs[0]),
    { typeObject: "physics", numOperators: 2, factoryKwargs: { f: () => 1 } },
    /factoryKwargs must be made of values/,
  ],
  [new L2(), { reduction: "max" }, /reduction must be "sum", "mean", got "max"/],
  [[new L2()], { numOperators: 2 }, /numOperators must be its length 1/],
  [median, { tilingStrategy: "hexagons" }, /tilingStrategy must be one of .*got "hexagons"/],
  [median, { tilingStrategy: {} }, /tilingStrategy must be a name, a strategy, or what makes one/],
  [median, { maxBatchSize: 0 }, /maxBatchSize must be a whole number >= 1 or "auto", got 0/],
  [median, { maxBatchSize: 1.5 }, /maxBatchSize must be/],
  [median, { patchSize: 0 }, /patchSize must be a whole number >= 1.* got 0/],
  [median, { patchSize: [8, NaN] }, /patchSize must be a whole number >= 1.* got \[8,NaN\]/],
  [median, { patchSize: [] }, /patchSize must be/],
  [median, { patchSize: [8, 8], tilingDims: 2 }, /patchSize must be .*each of the 1 tiled dimensions/],
  [median, { overlap: -1 }, /overlap must be a whole number >= 0.* got -1/],
  [median, { stride: 0 }, /stride must be a whole number >= 1/],
  [median, { patchSize: 8, stride: 9 }, /stride must be at most the patch size 8/],
  [median, { blend: "cosine" }, /blend must be one of "crop", "linear", "hann"/],
  [median, { padding: "mirror" }, /padding must be one of/],
  [median, { tilingDims: 2.5 }, /tilingDims must be a whole number/],
  [median, { tilingDims: [2, 2] }, /tilingDims must be different dimensions/],
  [new PnP({ denoiser: median }), { overlap: "much" }, /overlap must be/],
  [new PnP({ denoiser: median }), { exactProx: 1 }, /exactProx must be true or false/],
];
for (const [object, options, message] of everywhere) {
  await assert.rejects(spread(object, options), (error: Error) => {
    assert.ok(error instanceof InvalidArgumentError, `${error.stack}`);
    assert.match(error.message, message);
    return true;
  }, JSON.stringify(options));
}
await assert.rejects(distribute(blurs, any({})), /ctx must be a DistributedContext, got Object/);

/** What is wrong on one rank alone: its own error there, elsewhere one that names it. */
const onOne: readonly [name: string, () => Promise<unknown>, RegExp][] = [
  ["an option", () => spread(median, { overlap: ctx.rank === odd ? -1 : 1 }), /overlap must be/],
  [
    "a fidelity",
    () => spread(new L2(), { reduction: ctx.rank === odd ? "max" : "sum" }),
    /reduction must be/,
  ],
  ["a list", () => spread(ctx.rank === odd ? [] : blurs), /empty list/],
  [
    "a factory that throws",
    () =>
      spread(
        factory((i) => {
          if (i === odd) throw new RangeError("no coil map");
          return blurs[0];
        }),
        { typeObject: "linear_physics", numOperators: ctx.worldSize },
      ),
    /no coil map/,
  ],
  [
    "a factory of another kind",
    () =>
      spread(factory((i) => (i === odd ? new L2() : blurs[0])), {
        typeObject: "physics",
        numOperators: ctx.worldSize,
      }),
    /every entry must be a Physics, got L2/,
  ],
  [
    "a fidelity factory",
    () =>
      spread(factory((i) => (i === odd ? null : new L1())), {
        typeObject: "data_fidelity",
        numOperators: ctx.worldSize,
      }),
    /every entry must be a DataFidelity, got null/,
  ],
  [
    "a balanced factory",
    () =>
      spread(
        factory((i) => {
          if (i === odd) throw new RangeError("no coil map");
          return blurs[0];
        }),
        { typeObject: "physics", numOperators: ctx.worldSize, assignment: "balanced" },
      ),
    /no coil map/,
  ],
];
for (const [name, act, message] of onOne) {
  const begin = performance.now();
  await assert.rejects(act(), (error: Error) => {
    const own = ctx.rank === odd;
    assert.equal(error instanceof RankFailedError, !own, `${name}: ${error.stack}`);
    if (!own) assert.deepEqual((error as RankFailedError).ranks, [odd], name);
    assert.match(error.message, message, name);
    return true;
  });
  assert.ok(performance.now() - begin < 10_000, `${name}: nobody waits for the timeout`);
}

/** What differs between ranks is refused by all of them. */
if (ctx.worldSize > 1) {
  const mine = ctx.rank === odd;
  await assert.rejects(
    spread(median, { patchSize: mine ? 6 : 8 }),
    /patchSize must be the same on all ranks, on rank 0 8, got 6 on rank/,
  );
  await assert.rejects(spread(mine ? median : blurs), /the object must be the same on all ranks/);
  await assert.rejects(spread(mine ? blurs.slice(1) : blurs), /on rank 0 3 operators, got 2 operators/);
  await assert.rejects(spread(median, { tilingStrategy: mine ? BasicStrategy : "basic" }), /tilingStrategy/);
}

/** Bad arguments of calls. */
const physics = await distribute(blurs, ctx), y = await physics.A(x);
const fidelity: DataFidelity = await distribute([new L2(), new L1(), new L2()], ctx);
const local = stack(...blurs);
const two = TensorList.from([y.get(0), y.get(1)]);
const wide = TensorList.from([...y].map((entry) => entry.pad([[0, 1], [0, 0]])));
const four = TensorList.from([...y, y.get(0), y.get(1)]);
await assert.rejects(physics.A_adjoint(four), /y must be a TensorList of 3 entries/);
await assert.rejects(fidelity.fn(x, four, physics), /y must be a TensorList of 3 entries/);
await assert.rejects(
  fidelity.grad(x, wide, physics),
  /y must be of shape \(2, 1, 12, 14\), got \(2, 1, 13, 14\)/,
);
await assert.rejects(fidelity.fn(x, y, local), /physics must be distributed too/);
const pair = await distribute([new Denoising(), new Denoising()], ctx);
await assert.rejects(
  fidelity.fn(x, two, pair),
  /a stack of 3 operators, one for each fidelity, got one of 2/,
);
await assert.rejects(physics.A(x, { reduceOp: "max" as "sum" }), /reduceOp must be "sum", "mean" or null/);
const tiled = await distribute(median as Denoiser, ctx, { patchSize: 8, overlap: 2, tilingDims: [2, 3] });
await assert.rejects(tiled.forward(x, Tensor.ones([3])), /sigma must be a number, one value per item/);
await assert.rejects(tiled.forward(x, Tensor.ones([2, 1, 5, 5])), /sigma must be a number, one value per/);
const deep = await distribute(median as Denoiser, ctx, { patchSize: 8, overlap: 2, tilingDims: [5] });
await assert.rejects(
  deep.forward(x, 0),
  /tilingDims must be different dimensions of \(2, 1, 12, 14\), got 5/,
);
const listed = await distribute(median as Denoiser, ctx, { patchSize: [8, 8, 8], overlap: 2 });
await assert.rejects(listed.forward(x, 0), /patchSize must be .*each of the 2 tiled dimensions/);
await physics.A(x);
console.log("done");
