import { DRUNet, type HostParameter } from "../../src/models/mod.ts";
import { assertGolden, image, onBothDevices } from "../golden.ts";

/** The k-th parameter of a reference network: sin(.7k + .37i + .001 (i mod 977)) 0.7 / sqrt(fan). */
async function referenceNetwork(channels: number): Promise<DRUNet> {
  const denoiser = await DRUNet.create({ inChannels: channels, outChannels: channels });
  const state = new Map<string, HostParameter>();
  let k = 0;
  for (const [key, tensor] of denoiser.stateDict()) {
    const fan = tensor.numel / tensor.shape[0];
    const data = Float32Array.from(
      { length: tensor.numel },
      (_, i) => Math.sin(0.7 * k + 0.37 * i + 0.001 * (i % 977)) * 0.7 / Math.sqrt(fan),
    );
    state.set(key, { shape: tensor.shape, data });
    tensor.dispose();
    k++;
  }
  await denoiser.loadStateDict(state);
  return denoiser;
}

for (const channels of [1, 3]) {
  onBothDevices(
    `the full DRUNet with ${channels} channels equals deepinv for every branch of the size rule`,
    async () => {
      const denoiser = await referenceNetwork(channels);
      for (const [height, width] of [[32, 32], [40, 56], [50, 70], [100, 124]]) {
        using x = image(1, channels, height, width);
        using y = await denoiser.forward(x, 0.1);
        await assertGolden(y, `DRUNet${channels}.${height}x${width}.sigma0.1`, 1e-4);
      }
    },
  );
}

onBothDevices("the built-in small DRUNet equals its reference", async () => {
  const denoiser = await DRUNet.create({ weights: "small-color" });
  for (const [height, width] of [[64, 64], [48, 80]]) {
    using x = image(1, 3, height, width);
    using y = await denoiser.forward(x, 0.1);
    await assertGolden(y, `DRUNetSmall.${height}x${width}.sigma0.1`, 1e-4);
  }
});
