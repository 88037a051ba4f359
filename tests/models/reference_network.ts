import { DRUNet, type HostParameter } from "../../src/models/mod.ts";
import { DEFAULT_NB, DEFAULT_NC, parameterShapes } from "../../src/models/drunet_layout.ts";

/** The full network whose k-th parameter is sin(.7k + .37i + .001 (i mod 977)) 0.7 / sqrt(fan). */
export async function referenceNetwork(channels: number): Promise<DRUNet> {
  const config = { inChannels: channels, outChannels: channels, nc: DEFAULT_NC, nb: DEFAULT_NB };
  const weights = new Map<string, HostParameter>();
  for (const [key, shape] of parameterShapes(config)) {
    const k = weights.size;
    const fan = shape.slice(1).reduce((product, extent) => product * extent, 1);
    const data = new Float32Array(shape[0] * fan);
    for (let i = 0; i < data.length; i++) {
      data[i] = Math.sin(0.7 * k + 0.37 * i + 0.001 * (i % 977)) * 0.7 / Math.sqrt(fan);
    }
    weights.set(key, { shape, data });
  }
  return await DRUNet.create({ ...config, weights });
}
