import { DRUNet } from "../../src/models/mod.ts";
import { assertGolden, image, onBothDevices } from "../golden.ts";
import { referenceNetwork } from "./reference_network.ts";

for (const channels of [1, 3]) {
  let shared: Promise<DRUNet> | undefined;
  onBothDevices(
    `the full DRUNet with ${channels} channels equals deepinv for every branch of the size rule`,
    async () => {
      using denoiser = await (shared ??= referenceNetwork(channels));
      for (const [height, width] of [[32, 32], [40, 56], [50, 70], [100, 124]]) {
        using x = image(1, channels, height, width);
        using y = await denoiser.forward(x, 0.1);
        await assertGolden(y, `DRUNet${channels}.${height}x${width}.sigma0.1`, 1e-4);
      }
    },
  );
}

onBothDevices("the built-in small DRUNet equals its reference", async () => {
  using denoiser = await DRUNet.create({ weights: "small-color" });
  for (const [height, width] of [[64, 64], [48, 80]]) {
    using x = image(1, 3, height, width);
    using y = await denoiser.forward(x, 0.1);
    await assertGolden(y, `DRUNetSmall.${height}x${width}.sigma0.1`, 1e-4);
  }
});
