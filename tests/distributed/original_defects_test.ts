/** What deepinv's distributed module gets wrong (each observed there), and this one does not. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Finished, launch } from "../launch/launcher.ts";

const WORKER = fileURLToPath(new URL("./workers/defects.ts", import.meta.url));
const runs = new Map<number, Promise<Finished>>();

/** The worker's run on some ranks, shared by the tests. */
function runOn(ranks: number): Promise<Finished> {
  let run = runs.get(ranks);
  if (!run) runs.set(ranks, run = launch(["-n", String(ranks), WORKER, "cpu"]));
  return run;
}

const DEFECTS = [
  "the norm's bound is the sum of the operators' norms, and the exact norm is the same on all ranks",
  "tiled dimensions and custom strategies survive a change of the image's shape",
  "a StackedPhysicsDataFidelity is distributed as one fidelity for each operator",
  "distributed fidelities have a value and a prox, so that HQS, ADMM, DRS and explicit priors run",
  "priors are distributed: PnP, RED, ScorePrior, TV",
  "images of any size go with patches of any size",
  "basic blocks may be unequal, and keep to the patch size",
  "ranks without operators take part with the right shapes",
  "noise levels per item and as maps reach their tiles",
  "fidelities take this rank's measurements as well as all",
  "means are divided whether or not they are gathered",
  "ranks without work are warned of",
  "lists, items, updates, noise models and sensors reach the operators",
  "unknown options are errors, reductions do what they say, blending is smooth",
];

for (const [k, what] of DEFECTS.entries()) {
  for (const ranks of [1, 3]) {
    Deno.test(`defect ${k + 1}: ${what} [${ranks} ranks]`, async () => {
      const { stdout, stderr } = await runOn(ranks);
      const verdicts = stdout.match(new RegExp(`defect ${k + 1}: ok$`, "gm")) ?? [];
      assert.equal(verdicts.length, ranks, stdout + stderr);
    });
  }
}

Deno.test("idle ranks are named once, by rank 0", async () => {
  const { stdout, stderr } = await runOn(3);
  assert.match(stdout + stderr, /2 of 3 ranks get no operator: there are only 1/);
  assert.match(stdout + stderr, /2 of 3 ranks get no tile: there are only 1/);
  const alone = await runOn(1);
  assert.doesNotMatch(alone.stdout + alone.stderr, /get no/);
});
