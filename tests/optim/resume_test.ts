import { MedianFilter, nabla, nablaAdjoint } from "../../src/models/mod.ts";
import {
  ADMM,
  type BaseOptim,
  BregmanL2,
  DiffPIR,
  DRS,
  FISTA,
  GD,
  HQS,
  L12Prior,
  L2,
  MD,
  MLEM,
  OSEM,
  PDCP,
  PGD,
  PMD,
  type RunOptions,
  type RunResult,
  RunState,
  ScorePrior,
  SIRT,
  Tikhonov,
  TVPrior,
  ULA,
} from "../../src/optim/mod.ts";
import { Blur, gaussianBlur, stack } from "../../src/physics/mod.ts";
import type { Tensor } from "../../src/tensor/mod.ts";
import { image, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import assert from "node:assert/strict";

const median = new MedianFilter({ kernelSize: 3 });
/** With a warm start, which a resumed run must take up. */
const tv = () => new TVPrior({ nItMax: 4 });
const options = () => ({ dataFidelity: new L2(), prior: tv(), stepsize: 0.3, lambda: 0.05, maxIter: 7 });

const ALGORITHMS: Readonly<Record<string, () => Pick<BaseOptim, "run">>> = {
  GD: () => new GD({ ...options(), prior: new Tikhonov() }),
  PGD: () => new PGD(options()),
  "PGD with Anderson acceleration": () =>
    new PGD({ ...options(), andersonAcceleration: true, historySize: 3 }),
  "PGD with backtracking": () =>
    new PGD({ ...options(), prior: new Tikhonov(), stepsize: 1.9, backtracking: { eta: 0.5 } }),
  "FISTA with custom metrics": () =>
    new FISTA({ ...options(), customMetrics: { largest: (_, x) => x.max([1, 2, 3]) } }),
  "FISTA that stops early": () =>
    new FISTA({ ...options(), earlyStop: true, thresConv: 0.5, critConv: "cost" }),
  HQS: () => new HQS(options()),
  ADMM: () => new ADMM(options()),
  DRS: () => new DRS(options()),
  PDCP: () =>
    new PDCP({
      ...options(),
      gFirst: true,
      prior: new L12Prior(),
      stepsizeDual: 0.3,
      K: nabla,
      KAdjoint: nablaAdjoint,
    }),
  MD: () => new MD({ ...options(), bregmanPotential: new BregmanL2() }),
  PMD: () => new PMD({ ...options(), bregmanPotential: new BregmanL2() }),
  MLEM: () => new MLEM({ maxIter: 7 }),
  OSEM: () => new OSEM({ maxIter: 7 }),
  SIRT: () => new SIRT({ maxIter: 7 }),
  ULA: () =>
    new ULA({
      ...options(),
      prior: new ScorePrior({ denoiser: median }),
      stepSize: 1e-3,
      sigma: 0.2,
      thinning: 2,
      seed: 3,
    }),
  DiffPIR: () => new DiffPIR({ denoiser: median, maxIter: 7, seed: 5 }),
};

function problem() {
  const physics = stack(
    ...[0.6, 1].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })),
  );
  return { physics, truth: image(2, 1, 9, 8) };
}

/** Everything that a run found, as numbers. */
async function found(result: RunResult): Promise<unknown> {
  const { metrics, ...tensors } = result;
  const values: Record<string, number[]> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    values[name] = Array.from(await tensor.data());
    tensor.dispose();
  }
  return { metrics, values };
}

for (const [name, make] of Object.entries(ALGORITHMS)) {
  onBothDevices(
    `${name}: a run resumed from any state ends as the uninterrupted one, to the last bit`,
    async () => {
      const { physics, truth } = problem();
      using xGt = truth;
      using y = await physics.A(truth);
      const files: Uint8Array<ArrayBuffer>[] = [];
      const keep: RunOptions["onIteration"] = async ({ state }) => {
        files.push(await state.encode());
      };
      const uninterrupted = await found(await make().run(y, physics, { xGt, onIteration: keep }));
      assert.ok(files.length >= 3, `${files.length} states`);
      await assertNothingLeaks(async () => {
        for (const bytes of files) {
          using resumeFrom = RunState.decode(bytes);
          const result = await make().run(y, physics, { xGt, resumeFrom });
          assert.deepEqual(await found(result), uninterrupted, `from iteration ${resumeFrom.iteration}`);
        }
      });
    },
  );
}

onBothDevices("a state is kept in memory or in a file, and survives the run", async () => {
  const { physics, truth } = problem();
  using y = await physics.A(truth);
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/state.safetensors`;
    let kept: RunState | undefined;
    const algorithm = new ADMM(options());
    const end = await found(
      await algorithm.run(y, physics, {
        onIteration: async ({ iteration, state }) => {
          if (iteration !== 3) return;
          kept = state.clone();
          await state.save(path);
        },
      }),
    );
    using memory = kept!;
    using file = await RunState.load(path);
    assert.equal(memory.iteration, 3);
    for (const resumeFrom of [memory, file, memory]) {
      assert.deepEqual(await found(await algorithm.run(y, physics, { resumeFrom })), end);
    }
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["state.safetensors"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

onBothDevices("a state of another algorithm, and a file that holds none, are refused", async () => {
  const { physics, truth } = problem();
  using y = await physics.A(truth);
  let state: RunState | undefined;
  const x = (await new GD({ ...options(), maxIter: 1 }).run(y, physics, {
    onIteration: (info) => {
      state = info.state.clone();
    },
  })).x;
  x.dispose();
  using resumeFrom = state!;
  await assert.rejects(
    () => new PGD(options()).run(y, physics, { resumeFrom }),
    /options\.resumeFrom must be a state of PGD, got one of GD/,
  );
  const { encodeSafetensors } = await import("../../src/io/mod.ts");
  const other = encodeSafetensors(new Map([["w", { shape: [1], data: Float32Array.of(1) }]]));
  assert.throws(() => RunState.decode(other), /the bytes must be a saved run's state, got w/);
  using done = await new GD({ ...options(), maxIter: 1 }).run(y, physics, { resumeFrom }).then(({ x }) => x);
  assert.deepEqual(await done.data(), await (resumeFrom.signals.get("x") as Tensor).data());
});
