import type { DRUNetConfig } from "../../src/models/mod.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { directConvolution } from "./direct_convolution.ts";

/** A DRUNet written down layer by layer: input (B, C + 1, H, W), sides multiples of 8. */
export function plainDRUNet(state: ReadonlyMap<string, Tensor>, { nb }: DRUNetConfig, input: Tensor): Tensor {
  const weight = (key: string) => state.get(`${key}.weight`)!;
  const conv = (x: Tensor, key: string) => directConvolution(x, weight(key), { padding: 1 });
  const blocks = (x: Tensor, stage: string, first: number) => {
    for (let k = first; k < first + nb; k++) {
      x = x.add(conv(conv(x, `${stage}.${k}.res.0`).relu(), `${stage}.${k}.res.2`));
    }
    return x;
  };
  const down = (x: Tensor, stage: string) =>
    directConvolution(blocks(x, stage, 0), weight(`${stage}.${nb}`), { stride: 2 });
  const up = (x: Tensor, stage: string) =>
    blocks(directConvolution(x, weight(`${stage}.0`), { stride: 2, transposed: true }), stage, 1);
  const x1 = conv(input, "m_head");
  const x2 = down(x1, "m_down1"), x3 = down(x2, "m_down2"), x4 = down(x3, "m_down3");
  const body = blocks(x4, "m_body", 0);
  const y3 = up(body.add(x4), "m_up3"), y2 = up(y3.add(x3), "m_up2"), y1 = up(y2.add(x2), "m_up1");
  return conv(y1.add(x1), "m_tail");
}

/** deepinv's size rule around it, written down anew: directly, continued to multiples of 16, or in four quadrants. */
export function plainForward(
  state: ReadonlyMap<string, Tensor>,
  config: DRUNetConfig,
  input: Tensor,
): Tensor {
  const [height, width] = input.shape.slice(2);
  if (height % 8 === 0 && width % 8 === 0 && height > 31 && width > 31) {
    return plainDRUNet(state, config, input);
  }
  if (height < 64 || width < 64) {
    const [bottom, right] = [height, width].map((side) => Math.ceil(side / 16) * 16 - side);
    const padded = input.pad([[0, bottom], [0, right]], "replicate");
    return plainDRUNet(state, config, padded).slice([null, null, [0, height], [0, width]]);
  }
  const [top, left] = [height >> 1, width >> 1];
  const [h, w] = [top, left].map((half) => ((half >> 6) + 1) * 64);
  const quadrant = (row: number, column: number) =>
    plainDRUNet(state, config, input.slice([null, null, [row, row + h], [column, column + w]]));
  const northWest = quadrant(0, 0).slice([null, null, [0, top], [0, left]]);
  const northEast = quadrant(0, width - w).slice([null, null, [0, top], [left - width, null]]);
  const southWest = quadrant(height - h, 0).slice([null, null, [top - height, null], [0, left]]);
  const southEast = quadrant(height - h, width - w).slice([null, null, [top - height], [left - width]]);
  return Tensor.cat([Tensor.cat([northWest, northEast], 3), Tensor.cat([southWest, southEast], 3)], 2);
}
