import { Denoiser } from "../../src/models/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";

/** The lower median over a square window with reflected borders, per channel: a denoiser whose reach is known exactly. */
export class MedianDenoiser extends Denoiser {
  constructor(readonly kernelSize: number) {
    super();
  }

  override async forward(x: Tensor): Promise<Tensor> {
    const radius = (this.kernelSize - 1) / 2;
    using padded = x.pad([[radius, radius], [radius, radius]], "reflect");
    const values = await padded.data();
    const [batch, channels, height, width] = x.shape;
    const stride = width + 2 * radius;
    const output = new Float32Array(x.numel);
    const window: number[] = [];
    let at = 0;
    for (let plane = 0; plane < batch * channels; plane++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          window.length = 0;
          for (let u = 0; u < this.kernelSize; u++) {
            const from = (plane * (height + 2 * radius) + i + u) * stride + j;
            window.push(...values.subarray(from, from + this.kernelSize));
          }
          window.sort((a, b) => a - b);
          output[at++] = window[(window.length - 1) >> 1];
        }
      }
    }
    return Tensor.from(output, x.shape, x);
  }
}
