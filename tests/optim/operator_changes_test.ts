import { L1, PoissonLikelihood, StackedPhysicsDataFidelity } from "../../src/optim/mod.ts";
import { Blur, compose, Decolorize, gaussianBlur, stack, type Tensor } from "../../src/physics/mod.ts";
import { image, largestDifference, onBothDevices } from "../golden.ts";
import assert from "node:assert/strict";

const kernel = (factor: number): Tensor => gaussianBlur({ sigma: 0.8, psfSize: [5, 5] }).mul(factor);
const blur = (factor: number): Blur => new Blur({ filter: kernel(factor), padding: "circular" });

onBothDevices("a prox sees the operator as it is, whatever it computed of it before", async () => {
  const x = image(2, 3, 8, 9);
  const gray = () => new Decolorize({ srf: [0.2, 0.3, 0.5] });
  for (
    const [name, make] of [
      ["one", (factor: number) => blur(factor)],
      ["composed", (factor: number) => compose(blur(factor), gray())],
      ["stacked", (factor: number) => stack(blur(factor), blur(factor))],
      ["nested", (factor: number) => stack(compose(blur(factor), gray()), gray())],
    ] as const
  ) {
    const physics = make(1), expected = make(3);
    const fidelity = name === "stacked" ? new StackedPhysicsDataFidelity([new L1(), new L1()]) : new L1();
    const y = await expected.A(x.mul(0.7));
    (await fidelity.prox(x, y as never, physics, 0.1)).dispose();
    const { version } = physics;
    physics.update({ filter: kernel(3) });
    assert.ok(physics.version > version, name);
    const near = await fidelity.prox(x, y as never, physics, 0.1);
    const error = await largestDifference(near, await fidelity.prox(x, y as never, expected, 0.1));
    assert.ok(error === 0, `${name}: ${error}`);
  }
});

onBothDevices("noise is not the operator: its levels change no version", async () => {
  const physics = stack(blur(1), blur(2));
  const before = physics.version;
  physics.setNoiseModel(null);
  await physics.forward(image(1, 1, 8, 8));
  assert.equal(physics.version, before);
  physics.get(1).update({ filter: kernel(2) });
  assert.equal(physics.version, before + 1);
  const fidelity = new PoissonLikelihood();
  const y = await physics.A(image(1, 1, 8, 8));
  const first = await fidelity.prox(image(1, 1, 8, 8), y, physics, 0.1);
  const again = await fidelity.prox(image(1, 1, 8, 8), y, physics, 0.1);
  assert.equal(await largestDifference(first, again), 0);
});
