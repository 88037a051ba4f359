import { DRUNet, type HostParameter } from "../../src/models/mod.ts";

/** The k-th parameter of a reference network: sin(.7k + .37i + .001 (i mod 977)) 0.7 / sqrt(fan). */
export async function referenceNetwork(channels: number): Promise<DRUNet> {
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
