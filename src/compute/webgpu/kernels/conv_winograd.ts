import {
  type ConvTarget,
  layerShader,
  loadActivation,
  loadBias,
  storeOutput,
  weightAccess,
} from "./conv_layout.ts";
import { COMPONENTS, repeat } from "./wgsl.ts";

/** A 3 x 3 layer by the Winograd algorithm F(4, 3) along rows: 6 products in place of 12 for 4 outputs of a row. */
export interface WinogradSpec {
  readonly tileHeight: number;
  /** Output channels per invocation, a multiple of 4. */
  readonly channels: number;
  readonly addends: number;
}

/** Outputs per row of a tile, and products that they take. */
export const TILE_WIDTH = 4;
const POINTS = 6;

/** G of F(4, 3): the transform of a filter row. */
const FILTER_TRANSFORM: readonly (readonly [number, number, number])[] = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];

/** B^T of F(4, 3) applied to six neighbours d: declares v0 .. v5 of the window's row `r`. */
function transformInput(r: number, d: (i: number) => string): string {
  return `let even1_${r} = ${d(4)} - 4.0 * ${d(2)}; let odd1_${r} = ${d(3)} - 4.0 * ${d(1)};
let even2_${r} = ${d(4)} - ${d(2)}; let odd2_${r} = 2.0 * (${d(3)} - ${d(1)});
let v${r}_0 = 4.0 * ${d(0)} - 5.0 * ${d(2)} + ${d(4)};
let v${r}_1 = even1_${r} + odd1_${r}; let v${r}_2 = even1_${r} - odd1_${r};
let v${r}_3 = even2_${r} + odd2_${r}; let v${r}_4 = even2_${r} - odd2_${r};
let v${r}_5 = 4.0 * ${d(1)} - 5.0 * ${d(3)} + ${d(5)};`;
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
 * four input channels it transforms tileHeight + 2 rows of 6 pixels. Accumulators are scalars, one output channel after
 * the other, so that those of one channel stay in registers.
 */
export function winogradSource({ tileHeight, channels, addends }: WinogradSpec, target: ConvTarget): string {
  const blocks = channels / 4;
  const count = 4 * 3 * POINTS * blocks;
  const { prologue, weight } = weightAccess(target, count);
  const load = (r: number, i: number) =>
    loadActivation(
      target.storage,
      "source",
      "block",
      `tileY * ${tileHeight}u + ${r}u`,
      `tileX * ${TILE_WIDTH}u + ${i}u`,
    );
  const window = repeat(
    tileHeight + 2,
    (r) =>
      repeat(POINTS, (i) => `let d${r}_${i} = ${load(r, i)};`) + "\n" +
      transformInput(r, (i) => `d${r}_${i}`),
  );
  const multiply = repeat(channels, (o) =>
    repeat(4, (ic) =>
      repeat(3, (ky) =>
        repeat(POINTS, (q) => {
          const w = weight(((ic * 3 + ky) * POINTS + q) * blocks + (o >> 2), COMPONENTS[o & 3]);
          const sums = repeat(
            tileHeight,
            (y) => `m${o}_${y}_${q} += v${y + ky}_${q}.${COMPONENTS[ic]} * w;`,
            " ",
          );
          return `{ let w = ${w}; ${sums} }`;
        }))));
  const finish = (y: number, block: number) => {
    const product = (q: number) => `m${y}_${block}_${q}`;
    const gathered = repeat(
      POINTS,
      (q) => `let ${product(q)} = vec4f(${repeat(4, (k) => `m${block * 4 + k}_${y}_${q}`, ", ")});`,
    );
    const stores = transformOutput((q) => `t${y}_${block}_${q}`).map((value, i) =>
      storeOutput(
        target.storage,
        addends,
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
${prologue}
${window}
${multiply}
}
${repeat(blocks, (o) => `let bias${o} = ${loadBias(target.storage, count, o)};`)}
${repeat(tileHeight, (y) => repeat(blocks, (block) => finish(y, block)))}`,
  );
}

/**
 * Rearranged weights of one group of output channels and one block of input channels:
 * [channel][filter row][point][output], each filter row transformed in float64.
 */
export function winogradWeights(
  { channels }: WinogradSpec,
  at: (outChannel: number, inChannel: number, tap: number) => number,
): { count: number; fill: (into: Float32Array, outGroup: number, block: number) => void } {
  const fill = (into: Float32Array, outGroup: number, block: number) => {
    let n = 0;
    for (let ic = 0; ic < 4; ic++) {
      for (let ky = 0; ky < 3; ky++) {
        for (const [g0, g1, g2] of FILTER_TRANSFORM) {
          for (let o = 0; o < channels; o++) {
            const w = (kx: number) => at(outGroup * channels + o, block * 4 + ic, ky * 3 + kx);
            into[n++] = g0 * w(0) + g1 * w(1) + g2 * w(2);
          }
        }
      }
    }
  };
  return { count: 3 * POINTS * channels, fill };
}
