import {
  type ConvTarget,
  declareLayer,
  enableHalf,
  type Finish,
  loadActivation,
  loadBias,
  storeOutput,
  weightIndex,
} from "./conv_layout.ts";
import { COMPONENTS, repeat } from "./wgsl.ts";

/**
 * The shape of a 3 x 3 layer whose workgroups share what they load: `across` x `down` x `deep` invocations, each of which
 * computes 4 x `tileHeight` pixels of `channels` output channels.
 */
export interface SharedSpec extends Finish {
  /** Pixels that an invocation computes in a column; in a row they are 4. */
  readonly tileHeight: number;
  /** Output channels per invocation, a multiple of 4. */
  readonly channels: number;
  /** Invocations of a workgroup along a row, down a column, and over output channels. */
  readonly across: number;
  readonly down: number;
  readonly deep: number;
}

/** Pixels of a row that an invocation computes. */
export const SHARED_TILE_WIDTH = 4;

/** Bytes of workgroup memory that the layer takes. */
export function sharedBytes({ tileHeight, channels, across, down, deep }: SharedSpec): number {
  return 16 * ((across * SHARED_TILE_WIDTH + 2) * (down * tileHeight + 2) + deep * 9 * channels);
}

/**
 * The WGSL text. For every block of four input channels the workgroup copies the pixels under its region, and the weights
 * of its output channels, into workgroup memory; then every invocation multiplies from there. Storage: buffers.
 */
export function sharedSource(spec: SharedSpec, target: ConvTarget): string {
  const { tileHeight, channels, across, down, deep, addends } = spec;
  const blocks = channels / 4;
  const count = 9 * channels;
  const regionWidth = across * SHARED_TILE_WIDTH, regionHeight = down * tileHeight;
  const [windowWidth, windowHeight] = [regionWidth + 2, regionHeight + 2];
  const size = across * down * deep;
  const each = (code: (i: number, j: number, o: number) => string) =>
    repeat(
      tileHeight,
      (i) => repeat(SHARED_TILE_WIDTH, (j) => repeat(blocks, (o) => code(i, j, o), " "), " "),
    );
  const tap = (u: number, v: number) =>
    repeat(4, (ic) =>
      repeat(blocks, (o) => {
        const w = `weightsOf[deepIndex * ${count}u + ${((u * 3 + v) * 4 + ic) * blocks + o}u]`;
        const sums = repeat(
          tileHeight,
          (i) =>
            repeat(
              SHARED_TILE_WIDTH,
              (j) => `sum${i}_${j}_${o} += x${i + u}_${j + v}.${COMPONENTS[ic]} * w;`,
              " ",
            ),
          " ",
        );
        return `{ let w = ${w}; ${sums} }`;
      }));
  const load = loadActivation(
    target,
    "source",
    "block",
    "min(top + i / W, p.height + 1u)",
    "min(left + i % W, p.width + 1u)",
  );
  return `${enableHalf(target)}${declareLayer(target, addends)}
var<workgroup> pixels: array<vec4f, ${windowWidth * windowHeight}>;
var<workgroup> weightsOf: array<vec4f, ${deep * count}>;
const W = ${windowWidth}u;
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let region = group.z * p.groupsY + group.y;
  let top = (region / p.tilesX) * ${regionHeight}u;
  let left = (region % p.tilesX) * ${regionWidth}u;
  let deepIndex = local / ${across * down}u;
  let column0 = (local % ${across}u) * ${SHARED_TILE_WIDTH}u;
  let row0 = (local / ${across}u % ${down}u) * ${tileHeight}u;
  let outGroup = group.x * ${deep}u + deepIndex;
  let outBlocks = p.outBlocks; let height = p.height; let width = p.width; let parameter = vec4f(p.parameter);
${each((i, j, o) => `var sum${i}_${j}_${o} = vec4f(0);`)}
  for (var block = 0u; block < p.inBlocks; block++) {
    for (var i = local; i < ${windowWidth * windowHeight}u; i += ${size}u) { pixels[i] = ${load}; }
    for (var i = local; i < ${deep * count}u; i += ${size}u) {
      let outGroup = min(group.x * ${deep}u + i / ${count}u, (p.outBlocks - 1u) / ${blocks}u);
      weightsOf[i] = vec4f(weights[${weightIndex(count)} + i % ${count}u]);
    }
    workgroupBarrier();
${
    repeat(tileHeight + 2, (i) =>
      repeat(
        SHARED_TILE_WIDTH + 2,
        (j) => `let x${i}_${j} = pixels[(row0 + ${i}u) * W + column0 + ${j}u];`,
        " ",
      ))
  }
${repeat(3, (u) => repeat(3, (v) => tap(u, v)))}
    workgroupBarrier();
  }
  if (outGroup * ${blocks}u >= outBlocks) { return; }
${repeat(blocks, (o) => `let bias${o} = ${loadBias(target, count, o)};`)}
${
    each((i, j, o) =>
      storeOutput(
        target,
        spec,
        `outGroup * ${blocks}u + ${o}u`,
        `top + row0 + ${i}u`,
        `left + column0 + ${j}u`,
        `sum${i}_${j}_${o} + bias${o}`,
      )
    )
  }
}
`;
}
