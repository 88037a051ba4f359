import { DRUNet } from "../../src/models/mod.ts";
import { L2, PGD, PnP } from "../../src/optim/mod.ts";
import { Blur, gaussianBlur } from "../../src/physics/mod.ts";
import { defaultDevice, type Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { collectGarbage } from "../tensor/leaks.ts";
import { Plain } from "../tensor/plain.ts";
import { CLAMP } from "./toys.ts";
import assert from "node:assert/strict";

/** The device's live bytes, live and pooled bytes, and the bytes that V8 still needs after a collection. */
async function usage(): Promise<{ live: number; held: number; heap: number }> {
  await collectGarbage();
  const { live, pooled } = defaultDevice().memory();
  return { live, held: live + pooled, heap: Deno.memoryUsage().heapUsed };
}

/** Runs PGD and looks at memory after the first iterations and at the end of each of the following quarters. */
async function watch(
  algorithm: PGD,
  x: Tensor,
  maxIter: number,
): Promise<Awaited<ReturnType<typeof usage>>[]> {
  const filter = gaussianBlur({ sigma: 1 });
  const blur = new Blur({ filter, padding: "circular" });
  using y = await blur.A(x);
  const looks: Awaited<ReturnType<typeof usage>>[] = [];
  const onIteration = async ({ iteration }: { iteration: number }) => {
    if (iteration % (maxIter / 5) === 0) looks.push(await usage());
  };
  (await algorithm.run(y, blur, { onIteration, xGt: x })).x.dispose();
  return looks;
}

function assertFlat(looks: readonly Awaited<ReturnType<typeof usage>>[]): void {
  assert.equal(looks.length, 5);
  const [first] = looks;
  for (const { live, held } of looks) {
    assert.equal(live, first.live, "live bytes");
    assert.equal(held, first.held, "live and pooled bytes");
  }
  const growth = looks[4].heap - looks[1].heap;
  assert.ok(growth < 1 << 20, `the JavaScript heap grew by ${growth} bytes`);
}

onBothDevices("1,000 iterations on 64 x 64 hold memory flat", async () => {
  const prior = new PnP({ denoiser: CLAMP });
  const algorithm = new PGD({
    dataFidelity: new L2(),
    prior,
    stepsize: 0.5,
    sigmaDenoiser: 0,
    maxIter: 1000,
  });
  using x = Plain.random([1, 3, 64, 64]).tensor();
  assertFlat(await watch(algorithm, x, 1000));
});

onBothDevices("so do 30 iterations with the built-in DRUNet", async () => {
  using denoiser = await DRUNet.create({ weights: "small-color" });
  const prior = new PnP({ denoiser });
  const algorithm = new PGD({
    dataFidelity: new L2(),
    prior,
    stepsize: 0.5,
    sigmaDenoiser: 0.05,
    maxIter: 30,
  });
  using x = Plain.random([1, 3, 64, 64]).tensor();
  assertFlat(await watch(algorithm, x, 30));
});
