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

/** A 3 x 3 layer by the Winograd algorithm F(4, 3) along rows: 6 products in place of 12 for 4 outputs of a row. */
export interface WinogradSpec extends Finish {
  readonly tileHeight: number;
  /** Output channels per invocation, a multiple of 4. */
  readonly channels: number;
}

/** Outputs per row of a tile, and products that they take. */
export const TILE_WIDTH = 4;
const POINTS = 6;

/** G of F(4, 3): the transform of a filter row. */
export const FILTER_TRANSFORM: readonly (readonly [number, number, number])[] = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** B^T of F(4, 3): point `q` from six neighbours d of a row. The compiler shares what points have in common. */
function transformInput(q: number, d: (i: number) => string): string {
  switch (q) {
    case 0:
      return `4.0 * ${d(0)} - 5.0 * ${d(2)} + ${d(4)}`;
    case 1:
    case 2:
      return `(${d(4)} - 4.0 * ${d(2)}) ${q === 1 ? "+" : "-"} (${d(3)} - 4.0 * ${d(1)})`;
    case 3:
    case 4:
      return `(${d(4)} - ${d(2)}) ${q === 3 ? "+" : "-"} 2.0 * (${d(3)} - ${d(1)})`;
    default:
      return `4.0 * ${d(1)} - 5.0 * ${d(3)} + ${d(5)}`;
  }
}

/** A^T of F(4, 3): the four outputs from the six products m. */
function transformOutput(m: (q: number) => string): string[] {
  return [
    `${m(0)} + ${m(1)} + ${m(2)} + ${m(3)} + ${m(4)}`,
    `(${m(1)} - ${m(2)}) + 2.0 * (${m(3)} - ${m(4)})`,
    `(${m(1)} + ${m(2)}) + 4.0 * (${m(3)} + ${m(4)})`,
    `(${m(1)} - ${m(2)}) + 8.0 * (${m(3)} - ${m(4)}) + ${m(5)}`,
  ];
}

/**
 * The WGSL text. Each invocation computes tileHeight rows of 4 outputs times `channels` channels; for every block of
 * four input channels it loads tileHeight + 2 rows of 6 pixels. The six points are transformed and multiplied one after
 * the other, so that one point's values stay in registers.
 */
export function winogradSource(spec: WinogradSpec, target: ConvTarget): string {
  const { tileHeight, channels, addends } = spec;
  const blocks = channels / 4;
  const perPoint = 4 * 3 * blocks;
  const count = POINTS * perPoint;
  const { slices, weight } = weightAccess(target, count);
  const rows = tileHeight + 2;
  const load = (r: number, i: number) =>
    loadActivation(
      target,
      "source",
      "block",
      `tileY * ${tileHeight}u + ${r}u`,
      `tileX * ${TILE_WIDTH}u + ${i}u`,
    );
  const window = repeat(rows, (r) => repeat(POINTS, (i) => `let d${r}_${i} = ${load(r, i)};`));
  const multiply = (q: number, o: number, ic: number, ky: number) => {
    const w = weight(q * perPoint + (ic * 3 + ky) * blocks + (o >> 2), COMPONENTS[o & 3]);
    const sums = repeat(tileHeight, (y) => `m${o}_${y}_${q} += v${y + ky}_${q}.${COMPONENTS[ic]} * w;`, " ");
    return `{ let w = ${w}; ${sums} }`;
  };
  const point = (q: number) =>
    `${slices(q * perPoint, (q + 1) * perPoint)}
${repeat(rows, (r) => `let v${r}_${q} = ${transformInput(q, (i) => `d${r}_${i}`)};`)}
${repeat(channels, (o) => repeat(4, (ic) => repeat(3, (ky) => multiply(q, o, ic, ky))))}`;
  const finish = (y: number, block: number) => {
    const product = (q: number) => `m${y}_${block}_${q}`;
    const gathered = repeat(
      POINTS,
      (q) => `let ${product(q)} = vec4f(${repeat(4, (k) => `m${block * 4 + k}_${y}_${q}`, ", ")});`,
    );
    const stores = transformOutput((q) => `t${y}_${block}_${q}`).map((value, i) =>
      storeOutput(
        target,
        spec,
        `outGroup * ${blocks}u + ${block}u`,
        `tileY * ${tileHeight}u + ${y}u`,
        `tileX * ${TILE_WIDTH}u + ${i}u`,
        `${value} + bias${block}`,
      )
    );
    return gathered.replaceAll(`let m${y}_${block}_`, `let t${y}_${block}_`) + "\n" + stores.join("");
  };
  return layerShader(
    target,
    addends,
    `${
      repeat(channels, (o) =>
        repeat(tileHeight, (y) =>
          repeat(POINTS, (q) => `var m${o}_${y}_${q} = 0.0;`, " ")))
    }
for (var block = 0u; block < p.inBlocks; block++) {
${window}
${repeat(POINTS, point)}
}
${repeat(blocks, (o) => `let bias${o} = ${loadBias(target, count, o)};`)}
${repeat(tileHeight, (y) => repeat(blocks, (block) => finish(y, block)))}`,
  );
}

/**
 * Rearranged weights of one group of output channels and one block of input channels:
 * [point][channel][filter row][output], each filter row transformed in float64.
 */
export function winogradWeights(channels: number): WeightFiller {
  const fill: WeightFiller["fill"] = (into, outGroup, block, at) => {
    let n = 0;
    for (const [g0, g1, g2] of FILTER_TRANSFORM) {
      for (let ic = 0; ic < 4; ic++) {
        for (let tap = 0; tap < 9; tap += 3) {
          for (let o = outGroup * channels; o < (outGroup + 1) * channels; o++) {
            const c = block * 4 + ic;
            into[n++] = g0 * at(o, c, tap) + g1 * at(o, c, tap + 1) + g2 * at(o, c, tap + 2);
          }
        }
      }
    }
  };
  return { count: 3 * POINTS * channels, fill };
}
