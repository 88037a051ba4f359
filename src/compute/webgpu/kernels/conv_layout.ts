import { paramsStruct, repeat } from "./wgsl.ts";

/** Where activations and weights live: rgba32float storage texture arrays, or storage buffers of vec4f. */
export type ConvStorage = "texture" | "buffer";

/** What the generators of convolution layers share. */
export interface ConvTarget {
  readonly storage: ConvStorage;
  /** See ConvPreset. */
  readonly broadcastLanes: number;
  readonly workgroup: number;
}

/** Zeros around the image: the reach of a 3 x 3 filter. */
export const BORDER = 1;
/** Tiles of up to 4 pixels reach at most 3 beyond the image; they find zeros there. */
const OVERHANG = 3;

/** Length of a padded row or column. */
export function paddedLength(length: number): number {
  return length + OVERHANG + 2 * BORDER;
}

/** Members of the uniform struct of every layer, in order; `in` and `out` count rows and planes of vec4f. */
const LAYER_PARAMS = [
  "tilesX: u32",
  "groupsY: u32",
  "inBlocks: u32",
  "outBlocks: u32",
  "height: u32",
  "width: u32",
  "floor: f32",
  "inRow: u32",
  "inPlane: u32",
  "outRow: u32",
  "outPlane: u32",
];

/** Letters of a layer's bindings: input, weights, addends, output. */
export function layerBindings({ storage }: ConvTarget, addends: number): string {
  const [read, write] = storage === "texture" ? ["i", "o"] : ["r", "w"];
  return read.repeat(2 + addends) + write;
}

function declare(storage: ConvStorage, binding: number, name: string, write: boolean): string {
  const at = `@group(0) @binding(${binding})`;
  return storage === "texture"
    ? `${at} var ${name}: texture_storage_2d_array<rgba32float, ${write ? "write" : "read"}>;\n`
    : `${at} var<storage, ${write ? "read_write" : "read"}> ${name}: array<vec4f>;\n`;
}

/** Code that reads block `block` (four channels) of a padded map at row `y`, column `x`. */
export function loadActivation(
  storage: ConvStorage,
  name: string,
  block: string,
  y: string,
  x: string,
): string {
  const [row, plane] = name === "source" ? ["p.inRow", "p.inPlane"] : ["p.outRow", "p.outPlane"];
  return storage === "texture"
    ? `textureLoad(${name}, vec2u(${x}, ${y}), ${block})`
    : `${name}[(${block}) * ${plane} + (${y}) * ${row} + ${x}]`;
}

/** Code for the weights of one turn of the channel loop. */
export interface WeightAccess {
  /** Loads the slices that begin in a range of weights; needed before `weight`. Empty without broadcasting. */
  slices(begin: number, end: number): string;
  /** The vec4f at `index`, or one component of it. */
  weight(index: number, component?: string): string;
}

/**
 * Access to the weights, by broadcasting slices or directly.
 *
 * @param count vec4f per (group of output channels, block of input channels)
 */
export function weightAccess({ storage, broadcastLanes }: ConvTarget, count: number): WeightAccess {
  const load = (index: string) =>
    storage === "texture"
      ? `textureLoad(weights, vec2u(${index}, block), outGroup)`
      : `weights[(outGroup * (p.inBlocks + 1u) + block) * ${count}u + ${index}]`;
  if (broadcastLanes === 0) {
    return {
      slices: () => "",
      weight: (index, component) => load(`${index}u`) + (component ? `.${component}` : ""),
    };
  }
  return {
    slices(begin, end) {
      const first = Math.ceil(begin / broadcastLanes);
      const number = Math.ceil(end / broadcastLanes) - first;
      return repeat(
        number,
        (j) => `let slice${first + j} = ${load(`lane + ${(first + j) * broadcastLanes}u`)};`,
      );
    },
    weight(index, component) {
      const slice = `slice${Math.floor(index / broadcastLanes)}${component ? `.${component}` : ""}`;
      return `subgroupBroadcast(${slice}, ${index % broadcastLanes}u)`;
    },
  };
}

/** Code that reads the bias of the `index`-th block of the group: it follows the weights of all input blocks. */
export function loadBias(storage: ConvStorage, count: number, index: number): string {
  return storage === "texture"
    ? `textureLoad(weights, vec2u(${index}u, p.inBlocks), outGroup)`
    : `weights[(outGroup * (p.inBlocks + 1u) + p.inBlocks) * ${count}u + ${index}u]`;
}

/** Code that finishes one output value and stores it if it lies inside the map. */
export function storeOutput(
  storage: ConvStorage,
  addends: number,
  block: string,
  y: string,
  x: string,
  value: string,
): string {
  const added = repeat(
    addends,
    (k) => ` + ${loadActivation(storage, `addend${k}`, block, "row", "column")}`,
    "",
  );
  const store = storage === "texture"
    ? `textureStore(output, vec2u(column, row), ${block}, result);`
    : `output[(${block}) * p.outPlane + row * p.outRow + column] = result;`;
  return `if (${block} < outBlocks && ${y} < height && ${x} < width) {
  let row = ${y} + ${BORDER}u; let column = ${x} + ${BORDER}u; let value = ${value};
  let result = select(value, floor, value < floor)${added};
  ${store}
}
`;
}

/**
 * A layer's shader around `body`. It declares the bindings source, weights, addend0.., output; invocations take tiles of
 * the image in row-major order (tileX, tileY) for one group of output channels (outGroup).
 */
export function layerShader(target: ConvTarget, addends: number, body: string): string {
  const { storage, workgroup, broadcastLanes } = target;
  const lane = broadcastLanes > 0 ? ",\n  @builtin(subgroup_invocation_id) lane: u32" : "";
  return declare(storage, 0, "source", false) + declare(storage, 1, "weights", false) +
    repeat(addends, (k) => declare(storage, 2 + k, `addend${k}`, false), "") +
    declare(storage, 2 + addends, "output", true) + paramsStruct(3 + addends, LAYER_PARAMS) +
    `@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32${lane}) {
  let outGroup = group.x;
  let tile = (group.z * p.groupsY + group.y) * ${workgroup}u + local;
  let tileX = tile % p.tilesX;
  let tileY = tile / p.tilesX;
  let outBlocks = p.outBlocks; let height = p.height; let width = p.width; let floor = vec4f(p.floor);
${body}}
`;
}
