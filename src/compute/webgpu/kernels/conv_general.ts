import {
  BORDER,
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

/** The shape of any layer; what its taps are is told by the parameters. Tiles count outputs of one phase. */
export interface GeneralSpec extends Finish {
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** Output channels per invocation, a multiple of 4. */
  readonly channels: number;
}

/** Members of the uniform struct behind those of every layer, in order: the rows' phase, the columns', the input's size. */
const PHASE_PARAMS = [
  ...["Row", "Column"].flatMap((axis) => [
    `first${axis}: u32`,
    `step${axis}: u32`,
    `start${axis}: i32`,
    `advance${axis}: i32`,
    `spacing${axis}: i32`,
    `taps${axis}: u32`,
    `tap${axis}: i32`,
    `tapStep${axis}: i32`,
  ]),
  "inHeight: i32",
  "inWidth: i32",
  "kernelWidth: i32",
  "kernelTaps: i32",
];

/**
 * The WGSL text, register-blocked: each invocation keeps a tile of the phase's outputs times `channels` channels, and for
 * every block of four input channels and every tap loads the pixels under the tile once. Outside the image they are 0.
 * One shader serves all kernels, strides and dilations. The weights' blocks are pairs of an input block and a tap.
 */
export function generalSource(spec: GeneralSpec, target: ConvTarget): string {
  const { tileWidth, tileHeight, channels, addends } = spec;
  const blocks = channels / 4;
  const { slices, weight } = weightAccess(target, channels);
  const perOutput = (code: (i: number, j: number, o: number) => string) =>
    repeat(tileHeight, (i) => repeat(tileWidth, (j) => repeat(blocks, (o) => code(i, j, o))));
  const place = (axis: "Row" | "Column", size: string, tile: string, length: number) =>
    repeat(length, (i) => {
      const name = `${axis.toLowerCase()}${i}`;
      return `let ${name} = i32(${tile} * ${length}u + ${i}u) * p.advance${axis} + start${axis};
let in${name} = ${name} >= 0 && ${name} < p.in${size};
let at${name} = u32(clamp(${name}, 0, p.in${size} - 1)) + ${BORDER}u;`;
    });
  const pixels = repeat(tileHeight, (i) =>
    repeat(tileWidth, (j) => {
      const load = loadActivation(target, "source", "inBlock", `atrow${i}`, `atcolumn${j}`);
      return `let x${i}_${j} = select(vec4f(0), ${load}, inrow${i} && incolumn${j});`;
    }));
  const products = repeat(4, (ic) =>
    repeat(blocks, (o) => {
      const sums = repeat(
        tileHeight,
        (i) => repeat(tileWidth, (j) => `sum${i}_${j}_${o} += x${i}_${j}.${COMPONENTS[ic]} * w;`, " "),
        " ",
      );
      return `{ let w = ${weight(ic * blocks + o)}; ${sums} }`;
    }));
  return layerShader(
    target,
    addends,
    `${perOutput((i, j, o) => `var sum${i}_${j}_${o} = vec4f(0);`)}
let inBlocks = p.inBlocks / u32(p.kernelTaps);
for (var inBlock = 0u; inBlock < inBlocks; inBlock++) {
for (var u = 0u; u < p.tapsRow; u++) {
let startRow = p.startRow + i32(u) * p.spacingRow;
let kernelRow = p.tapRow + i32(u) * p.tapStepRow;
${place("Row", "Height", "tileY", tileHeight)}
for (var v = 0u; v < p.tapsColumn; v++) {
let startColumn = p.startColumn + i32(v) * p.spacingColumn;
let kernelColumn = p.tapColumn + i32(v) * p.tapStepColumn;
let block = inBlock * u32(p.kernelTaps) + u32(kernelRow * p.kernelWidth + kernelColumn);
${place("Column", "Width", "tileX", tileWidth)}
${slices(0, channels)}
${pixels}
${products}
}}}
${repeat(blocks, (o) => `let bias${o} = ${loadBias(target, channels, o)};`)}
${
      perOutput((i, j, o) =>
        storeOutput(
          target,
          spec,
          `outGroup * ${blocks}u + ${o}u`,
          `((tileY * ${tileHeight}u + ${i}u) * p.stepRow + p.firstRow)`,
          `((tileX * ${tileWidth}u + ${j}u) * p.stepColumn + p.firstColumn)`,
          `sum${i}_${j}_${o} + bias${o}`,
        )
      )
    }`,
    PHASE_PARAMS,
  );
}

/** Rearranged weights of one group of output channels, one block of input channels and one tap: [channel][output]. */
export function generalWeights(channels: number, taps: number): WeightFiller {
  const fill: WeightFiller["fill"] = (into, outGroup, block, at) => {
    const [inBlock, tap] = [Math.floor(block / taps), block % taps];
    let n = 0;
    for (let ic = 0; ic < 4; ic++) {
      for (let o = 0; o < channels; o++) into[n++] = at(outGroup * channels + o, inBlock * 4 + ic, tap);
    }
  };
  return { count: channels, fill };
}
