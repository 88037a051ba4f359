import { Blur, type BlurPadding, gaussianBlur, stack, type TensorList } from "../../src/physics/mod.ts";
import { assertGolden, image, onBothDevices } from "../golden.ts";

onBothDevices("gaussianBlur equals deepinv's kernels", async () => {
  await assertGolden(gaussianBlur({ sigma: [1, 2], angle: 30 }), "kernel.gauss(1,2,30)", 1e-5);
  await assertGolden(
    gaussianBlur({ sigma: [1.5, 0.8], angle: 20, psfSize: [5, 7] }),
    "kernel.gauss psf(5,7) sigma(1.5,0.8) angle 20",
    1e-5,
  );
  await assertGolden(gaussianBlur({ sigma: [1, 1.3], angle: 15, psfSize: [4, 5] }), "kernel.even 4x5", 1e-5);
});

onBothDevices("Blur equals deepinv for five paddings, odd and even filters", async () => {
  const filters = {
    k9: gaussianBlur({ sigma: [1, 1.6], angle: 25, psfSize: [5, 5] }),
    keven: gaussianBlur({ sigma: [1, 1.3], angle: 15, psfSize: [4, 5] }),
  };
  const x = image(2, 3, 12, 15);
  for (const [name, filter] of Object.entries(filters)) {
    for (const padding of ["valid", "circular", "reflect", "replicate", "constant"] satisfies BlurPadding[]) {
      const blur = new Blur({ filter, padding });
      const y = await blur.A(x);
      await assertGolden(y, `Blur.${name}.${padding}.A`, 1e-5);
      await assertGolden(await blur.A_adjoint(y), `Blur.${name}.${padding}.AT`, 1e-5);
    }
  }
});

onBothDevices("a stack equals deepinv's", async () => {
  const blurs = [1, 1.5, 2].map((sigma) =>
    new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })
  );
  const physics = stack(...blurs);
  const x = image(1, 1, 16, 16);
  const y = await physics.A(x);
  for (const i of [0, 1, 2]) await assertGolden(y.get(i), `stack.y${i}`, 1e-5);
  await assertGolden(await physics.A_adjoint(y), "stack.AT", 1e-5);
  await assertGolden(await physics.A_adjoint_A(x), "stack.ATA", 1e-5);
  await assertGolden((await physics.A_A_adjoint(y) as TensorList).get(0), "stack.AAT.0", 1e-5);
  await assertGolden(await physics.A_dagger(y), "stack.A_dagger(default)", 1e-4);
  await assertGolden(await physics.prox_l2(x.mul(0.5), y, 0.5), "stack.prox_l2(gamma=.5,z=0.5*x)", 1e-4);
});
