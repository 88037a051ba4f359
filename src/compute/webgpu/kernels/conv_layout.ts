import type { Activation } from "../../conv_validation.ts";
import { nanFunctions, paramsStruct, repeat } from "./wgsl.ts";

/** Where activations and weights live: rgba32float storage texture arrays, or storage buffers of vec4f. */
export type ConvStorage = "texture" | "buffer";

/** What the generators of convolution layers share. */
export interface ConvTarget {
  readonly storage: ConvStorage;
  /** Whether buffers hold float16; arithmetic is float32 all the same. */
  readonly half?: boolean;
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

/**
 * Members of the uniform struct of every layer, in order; `in` and `out` count rows and planes of vec4f. The parameter is
 * the activation's: see {@link activationParameter}.
 */
const LAYER_PARAMS = [
  "tilesX: u32",
  "groupsY: u32",
  "inBlocks: u32",
  "outBlocks: u32",
  "height: u32",
  "width: u32",
  "parameter: f32",
  "inRow: u32",
  "inPlane: u32",
  "outRow: u32",
  "outPlane: u32",
];

/** The line that a shader begins with where memory holds float16. */
export function enableHalf(target: Pick<ConvTarget, "storage" | "half">): string {
  return storageType(target) === "vec4h" ? "enable f16;\n" : "";
}

/** Letters of a layer's bindings: input, weights, addends, output. */
export function layerBindings({ storage }: ConvTarget, addends: number): string {
  const [read, write] = storage === "texture" ? ["i", "o"] : ["r", "w"];
  return read.repeat(2 + addends) + write;
}

/** The type of a value in memory: of four channels. */
export function storageType({ storage, half }: Pick<ConvTarget, "storage" | "half">): "vec4f" | "vec4h" {
  return storage === "buffer" && half ? "vec4h" : "vec4f";
}

function declare(target: ConvTarget, binding: number, name: string, write: boolean): string {
  const at = `@group(0) @binding(${binding})`;
  return target.storage === "texture"
    ? `${at} var ${name}: texture_storage_2d_array<rgba32float, ${write ? "write" : "read"}>;\n`
    : `${at} var<storage, ${write ? "read_write" : "read"}> ${name}: array<${storageType(target)}>;\n`;
}

/** Code that reads block `block` (four channels) of a padded map at row `y`, column `x`. */
export function loadActivation(
  { storage }: Pick<ConvTarget, "storage">,
  name: string,
  block: string,
  y: string,
  x: string,
): string {
  const [row, plane] = name === "source" ? ["p.inRow", "p.inPlane"] : ["p.outRow", "p.outPlane"];
  return storage === "texture"
    ? `textureLoad(${name}, vec2u(${x}, ${y}), ${block})`
    : `vec4f(${name}[(${block}) * ${plane} + (${y}) * ${row} + ${x}])`;
}

/** Code for the place of the first weight of `block`, of `count` for each, in the buffer of weights. */
export function weightIndex(count: number, block = "block"): string {
  return `(outGroup * (p.inBlocks + 1u) + ${block}) * ${count}u`;
}

/** Writes rearranged weights. */
export interface WeightFiller {
  /** vec4f of a block. */
  readonly count: number;
  /** Those of one group of output channels and one block; `at` tells a weight, 0 beyond the last channel. */
  readonly fill: (
    into: Float32Array,
    outGroup: number,
    block: number,
    at: (outChannel: number, inChannel: number, tap: number) => number,
  ) => void;
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
      : `vec4f(weights[${weightIndex(count)} + ${index}])`;
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
export function loadBias({ storage }: ConvTarget, count: number, index: number): string {
  return storage === "texture"
    ? `textureLoad(weights, vec2u(${index}u, p.inBlocks), outGroup)`
    : `vec4f(weights[${weightIndex(count, "p.inBlocks")} + ${index}u])`;
}

/** What follows a layer's sum. Layers with and without ReLU share their shader: both are of kind `relu`. */
export interface Finish {
  readonly addends: number;
  readonly activation: Exclude<Activation["kind"], "none">;
  /** Whether the addends come before the activation. */
  readonly activationLast: boolean;
}

/** Which shader applies an activation, and the parameter that it takes: of `relu` the least value there is. */
export function activationParameter(
  { kind, alpha }: Pick<Activation, "kind" | "alpha">,
): [Finish["activation"], number] {
  return kind === "none" ? ["relu", -Infinity] : [kind, alpha];
}

/** Code that applies the activation to `value`, which is no NaN; near 0 by series, as e^x - 1 there loses its digits. */
function activationCode(kind: Finish["activation"]): string {
  switch (kind) {
    case "relu":
      return "select(value, parameter, value < parameter)";
    case "leaky_relu":
      return "select(value, value * parameter, value < vec4f(0))";
    case "elu":
      return `select(value, parameter * select(exp(value) - 1.0,
    value * (1.0 + value * (0.5 + value * (1.0 / 6.0))), value > vec4f(-0.02)), value < vec4f(0))`;
    case "sigmoid":
      return "1.0 / (1.0 + exp(-value))";
    case "tanh":
      return `select(1.0 - 2.0 / (exp(2.0 * clamp(value, vec4f(-40), vec4f(40))) + 1.0),
    value * (1.0 - value * value * (1.0 / 3.0)), abs(value) < vec4f(0.03))`;
    default:
      return kind satisfies never;
  }
}

/** Code that finishes one output value and stores it if it lies inside the map. */
export function storeOutput(
  target: ConvTarget,
  { addends, activation, activationLast }: Finish,
  block: string,
  y: string,
  x: string,
  value: string,
): string {
  const added = repeat(
    addends,
    (k) => ` + ${loadActivation(target, `addend${k}`, block, "row", "column")}`,
    "",
  );
  const store = target.storage === "texture"
    ? `textureStore(output, vec2u(column, row), ${block}, result);`
    : `output[(${block}) * p.outPlane + row * p.outRow + column] = ${storageType(target)}(result);`;
  return `if (${block} < outBlocks && ${y} < height && ${x} < width) {
  let row = ${y} + ${BORDER}u; let column = ${x} + ${BORDER}u; let value = ${value}${
    activationLast ? added : ""
  };
  let result = select(${activationCode(activation)}, value, isNan(value))${activationLast ? "" : added};
  ${store}
}
`;
}

/** The declarations of a layer's bindings: source, weights, addend0.., output, and the parameters p. */
export function declareLayer(target: ConvTarget, addends: number, more: readonly string[] = []): string {
  return declare(target, 0, "source", false) + declare(target, 1, "weights", false) +
    repeat(addends, (k) => declare(target, 2 + k, `addend${k}`, false), "") +
    declare(target, 2 + addends, "output", true) + nanFunctions("vec4f") +
    paramsStruct(3 + addends, [...LAYER_PARAMS, ...more]);
}

/**
 * A layer's shader around `body`. Invocations take tiles of the image in row-major order (tileX, tileY) for one group of
 * output channels (outGroup).
 *
 * @param more members of the uniform struct behind those of every layer
 */
export function layerShader(
  target: ConvTarget,
  addends: number,
  body: string,
  more: readonly string[] = [],
): string {
  const { workgroup, broadcastLanes } = target;
  const lane = broadcastLanes > 0 ? ",\n  @builtin(subgroup_invocation_id) lane: u32" : "";
  return enableHalf(target) + declareLayer(target, addends, more) +
    `@compute @workgroup_size(${workgroup})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32${lane}) {
  let outGroup = group.x;
  let tile = (group.z * p.groupsY + group.y) * ${workgroup}u + local;
  let tileX = tile % p.tilesX;
  let tileY = tile / p.tilesX;
  let outBlocks = p.outBlocks; let height = p.height; let width = p.width; let parameter = vec4f(p.parameter);
${body}}
`;
}
