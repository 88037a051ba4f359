import { BORDER, type ConvTarget, enableHalf, storageType } from "./conv_layout.ts";
import { paramsStruct, repeat, storageBuffer } from "./wgsl.ts";

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

/** Invocation (x, y, block) handles four channels of one pixel. */
function shader(target: MapTarget, declarations: string, body: string): string {
  return `${enableHalf(target)}${declarations}${paramsStruct(2, MEMBERS)}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) count: vec3u) {
  for (var block = id.z; block < p.blocks; block += count.z) {
    for (var y = id.y; y < p.height; y += count.y) {
      for (var x = id.x; x < p.width; x += count.x * 64u) {
        let row = y + ${BORDER}u; let column = x + ${BORDER}u;
        let plane = p.height * p.width;
        let at = p.offset + (block * 4u * p.height + y) * p.width + x;
        ${body}
      }
    }
  }
}
`;
}

/** The WGSL text that fills a feature map from planes; channels beyond the last are zero. */
export function packSource(target: MapTarget): string {
  const components = repeat(4, (k) => {
    const index = `at + min(${k}u, p.channels - 1u - block * 4u) * plane`;
    return `select(0.0, planes[${index}], block * 4u + ${k}u < p.channels)`;
  }, ", ");
  const store = target.storage === "texture"
    ? "textureStore(map, vec2u(column, row), block, value);"
    : `map[block * p.mapPlane + row * p.mapRow + column] = ${storageType(target)}(value);`;
  return shader(
    target,
    storageBuffer(0, "planes", "f32") + declareMap(target, 1, "write"),
    `let value = vec4f(${components});\n        ${store}`,
  );
}

/** The WGSL text that writes a feature map as planes. */
export function unpackSource(target: MapTarget): string {
  const load = target.storage === "texture"
    ? "textureLoad(map, vec2u(column, row), block)"
    : "vec4f(map[block * p.mapPlane + row * p.mapRow + column])";
  const stores = repeat(
    4,
    (k) => `if (block * 4u + ${k}u < p.channels) { planes[at + ${k}u * plane] = value[${k}]; }`,
    "\n        ",
  );
  return shader(
    target,
    declareMap(target, 0, "read") + storageBuffer(1, "planes", "f32", "read_write"),
    `let value = ${load};\n        ${stores}`,
  );
}
