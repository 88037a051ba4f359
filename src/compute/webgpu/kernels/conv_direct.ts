import type { SpecialConv } from "../../conv_geometry.ts";
import {
  type ConvTarget,
  type Finish,
  layerShader,
  loadActivation,
  loadBias,
  storeOutput,
  weightAccess,
  type WeightFiller,
} from "./conv_layout.ts";
import { COMPONENTS, repeat } from "./wgsl.ts";

/** The shape of a layer by its definition. Tiles count pixels of the output, for `up2x2` of the input. */
export interface DirectSpec extends Finish {
  readonly op: SpecialConv;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Output channels per invocation, a multiple of 4. */
  readonly channels: number;
}

/** Filter taps of a layer. */
export function tapCount(op: SpecialConv): number {
  return op === "conv3x3" ? 9 : 4;
}

/** One product of a tile: the output pixel (row, column), the input pixel that it reads, and the tap between them. */
interface Product {
  readonly row: number;
  readonly column: number;
  readonly fromRow: number;
  readonly fromColumn: number;
  readonly tap: number;
}

function tileProducts({ op, tileWidth, tileHeight }: DirectSpec): Product[] {
  const side = op === "conv3x3" ? 3 : 2;
  const products: Product[] = [];
  for (let tap = 0; tap < side * side; tap++) {
    const [u, v] = [Math.floor(tap / side), tap % side];
    for (let i = 0; i < tileHeight; i++) {
      for (let j = 0; j < tileWidth; j++) {
        if (op === "conv3x3") products.push({ row: i, column: j, fromRow: i + u, fromColumn: j + v, tap });
        if (op === "down2x2") {
          products.push({ row: i, column: j, fromRow: 2 * i + u, fromColumn: 2 * j + v, tap });
        }
        if (op === "up2x2") {
          products.push({ row: 2 * i + u, column: 2 * j + v, fromRow: i, fromColumn: j, tap });
        }
      }
    }
  }
  return products;
}

/**
 * The WGSL text of a layer by its definition, register-blocked: each invocation keeps a tile of the output times
 * `channels` channels, and for every block of four input channels loads the tile's window once.
 */
export function directSource(spec: DirectSpec, target: ConvTarget): string {
  const { op, tileWidth, tileHeight, channels, addends } = spec;
  const blocks = channels / 4;
  const count = tapCount(op) * 4 * blocks;
  const { slices, weight } = weightAccess(target, count);
  const products = tileProducts(spec);
  const scale = op === "up2x2" ? 2 : 1;
  const rows = Math.max(...products.map(({ row }) => row)) + 1;
  const columns = Math.max(...products.map(({ column }) => column)) + 1;
  const windowRows = Math.max(...products.map(({ fromRow }) => fromRow)) + 1;
  const windowColumns = Math.max(...products.map(({ fromColumn }) => fromColumn)) + 1;

  const stride = op === "down2x2" ? 2 : 1;
  // The window begins at the image's first pixel, or one before it (row 0 of the padded map) for 3 x 3 filters.
  const first = op === "conv3x3" ? 0 : 1;
  const window = repeat(windowRows, (i) =>
    repeat(windowColumns, (j) =>
      `let x${i}_${j} = ${
        loadActivation(
          target,
          "source",
          "block",
          `tileY * ${tileHeight * stride}u + ${first + i}u`,
          `tileX * ${tileWidth * stride}u + ${first + j}u`,
        )
      };`));
  const byTap = Map.groupBy(products, ({ tap }) => tap);
  const multiply = repeat(blocks, (o) =>
    [...byTap].map(([tap, group]) =>
      repeat(4, (ic) => {
        const w = weight((tap * 4 + ic) * blocks + o);
        const sums = group.map((q) =>
          `sum${q.row}_${q.column}_${o} += x${q.fromRow}_${q.fromColumn}.${COMPONENTS[ic]} * w;`
        );
        return `{ let w = ${w}; ${sums.join(" ")} }`;
      })
    ).join("\n"));
  const perOutput = (code: (row: number, column: number, o: number) => string) =>
    repeat(rows, (i) => repeat(columns, (j) => repeat(blocks, (o) => code(i, j, o))));
  return layerShader(
    target,
    addends,
    `${perOutput((i, j, o) => `var sum${i}_${j}_${o} = vec4f(0);`)}
for (var block = 0u; block < p.inBlocks; block++) {
${slices(0, count)}
${window}
${multiply}
}
${repeat(blocks, (o) => `let bias${o} = ${loadBias(target, count, o)};`)}
${
      perOutput((i, j, o) =>
        storeOutput(
          target,
          spec,
          `outGroup * ${blocks}u + ${o}u`,
          `tileY * ${tileHeight * scale}u + ${i}u`,
          `tileX * ${tileWidth * scale}u + ${j}u`,
          `sum${i}_${j}_${o} + bias${o}`,
        )
      )
    }`,
  );
}

/** Rearranged weights of one group of output channels and one block of input channels: [tap][channel][output]. */
export function directWeights(channels: number, taps: number): WeightFiller {
  const fill: WeightFiller["fill"] = (into, outGroup, block, at) => {
    let n = 0;
    for (let tap = 0; tap < taps; tap++) {
      for (let ic = 0; ic < 4; ic++) {
        for (let o = 0; o < channels; o++) into[n++] = at(outGroup * channels + o, block * 4 + ic, tap);
      }
    }
  };
  return { count: taps * channels, fill };
}
