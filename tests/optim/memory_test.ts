import { DRUNet } from "../../src/models/mod.ts";
import { L2, PGD, PnP } from "../../src/optim/mod.ts";
import { Blur, gaussianBlur } from "../../src/physics/mod.ts";
import { defaultDevice, type Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";
import { collectGarbage } from "../tensor/leaks.ts";
import { Plain } from "../tensor/plain.ts";
import { CLAMP } from "./toys.ts";
import assert from "node:assert/strict";

/** Bytes in use. */
interface Usage {
  /** By the device's live memory. */
  readonly live: number;
  /** By its live and pooled memory. */
  readonly held: number;
  /** By V8, after a collection. */
  readonly heap: number;
  /** By the process. */
  readonly resident: number;
}

async function usage(): Promise<Usage> {
  await collectGarbage();
  const { live, pooled } = defaultDevice().memory();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { live, held: live + pooled, heap: heapUsed, resident: rss };
}

/** Runs PGD and looks at memory after the first iterations and at the end of each of the following quarters. */
async function watch(
  algorithm: PGD,
  x: Tensor,
  maxIter: number,
): Promise<Usage[]> {
  const filter = gaussianBlur({ sigma: 1 });
  const blur = new Blur({ filter, padding: "circular" });
  using y = await blur.A(x);
  const looks: Usage[] = [];
  const onIteration = async ({ iteration }: { iteration: number }) => {
    if (iteration % (maxIter / 5) === 0) looks.push(await usage());
  };
  (await algorithm.run(y, blur, { onIteration, xGt: x })).x.dispose();
  return looks;
}

function assertFlat(looks: readonly Usage[]): void {
  assert.equal(looks.length, 5);
  const [first] = looks;
  for (const { live, held } of looks) {
    assert.equal(live, first.live, "live bytes");
    assert.equal(held, first.held, "live and pooled bytes");
  }
  const growth = (of: "heap" | "resident") => looks[4][of] - looks[1][of];
  assert.ok(growth("heap") < 1 << 20, `the JavaScript heap grew by ${growth("heap")} bytes`);
  assert.ok(growth("resident") < 24 << 20, `the process grew by ${growth("resident")} bytes`);
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
