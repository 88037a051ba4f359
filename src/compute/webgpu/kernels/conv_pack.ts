import { BORDER, type ConvTarget, enableHalf, storageType } from "./conv_layout.ts";
import { COMPONENTS, paramsStruct, repeat, storageBuffer } from "./wgsl.ts";

const MEMBERS = [
  "offset: u32",
  "channels: u32",
  "height: u32",
  "width: u32",
  "blocks: u32",
  "mapRow: u32",
  "mapPlane: u32",
];

type MapTarget = Pick<ConvTarget, "storage" | "half">;

function declareMap(target: MapTarget, binding: number, access: "read" | "write"): string {
  return target.storage === "texture"
    ? `@group(0) @binding(${binding}) var map: texture_storage_2d_array<rgba32float, ${access}>;\n`
    : storageBuffer(binding, "map", storageType(target), access === "read" ? "read" : "read_write");
}

/** Invocation (i, 0, block) handles four channels of pixel i, or of the four pixels from 4 i on. */
function shader(target: MapTarget, declarations: string, pixels: number, body: string): string {
  return `${enableHalf(target)}${declarations}${paramsStruct(2, MEMBERS)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  let width = p.width / ${pixels}u;
  let plane = p.height * width;
  for (var block = id.z; block < p.blocks; block += count.z) {
    for (var i = id.x; i < plane; i += count.x * 64u) {
      let row = i / width + ${BORDER}u; let column = i % width * ${pixels}u + ${BORDER}u;
      let at = p.offset / ${pixels}u + block * 4u * plane + i;
      ${body}
    }
  }
}
`;
}

/** Planes are read and written four pixels at a time where their rows begin at multiples of four values. */
export function takesFourPixels(offset: number, width: number): boolean {
  return offset % 4 === 0 && width % 4 === 0;
}

/** Code that loads or stores the pixel `shift` columns on. */
function pixelOf(target: MapTarget, shift: number, value?: string): string {
  const at = `column + ${shift}u`;
  if (target.storage === "texture") {
    return value
      ? `textureStore(map, vec2u(${at}, row), block, ${value});`
      : `textureLoad(map, vec2u(${at}, row), block)`;
  }
  const place = `map[block * p.mapPlane + row * p.mapRow + ${at}]`;
  return value ? `${place} = ${storageType(target)}(${value});` : `vec4f(${place})`;
}

/**
 * The WGSL text that fills a feature map from planes; channels beyond the last are zero.
 *
 * @param four whether four pixels at a time: see {@link takesFourPixels}
 */
export function packSource(target: MapTarget, four: boolean): string {
  const [pixels, type] = four ? [4, "vec4f"] : [1, "f32"];
  const loads = repeat(4, (k) => {
    const index = `at + min(${k}u, p.channels - 1u - block * 4u) * plane`;
    return `let c${k} = select(${type}(0), planes[${index}], block * 4u + ${k}u < p.channels);`;
  }, "\n        ");
  const stores = repeat(pixels, (i) => {
    const value = repeat(4, (k) => `c${k}${four ? `.${COMPONENTS[i]}` : ""}`, ", ");
    return pixelOf(target, i, `vec4f(${value})`);
  }, "\n        ");
  return shader(
    target,
    storageBuffer(0, "planes", type) + declareMap(target, 1, "write"),
    pixels,
    `${loads}\n        ${stores}`,
  );
}

/** The WGSL text that writes a feature map as planes. */
export function unpackSource(target: MapTarget, four: boolean): string {
  const [pixels, type] = four ? [4, "vec4f"] : [1, "f32"];
  const loads = repeat(pixels, (i) => `let v${i} = ${pixelOf(target, i)};`, "\n        ");
  const stores = repeat(4, (k) => {
    const values = repeat(pixels, (i) => `v${i}.${COMPONENTS[k]}`, ", ");
    return `if (block * 4u + ${k}u < p.channels) { planes[at + ${k}u * plane] = ${type}(${values}); }`;
  }, "\n        ");
  return shader(
    target,
    declareMap(target, 0, "read") + storageBuffer(1, "planes", type, "read_write"),
    pixels,
    `${loads}\n        ${stores}`,
  );
}
