import { type ConvTarget, enableHalf, storageType } from "./conv_layout.ts";
import { paramsStruct, repeat, storageBuffer } from "./wgsl.ts";

/** Members of the uniform struct, in order. */
const MEMBERS = [
  "count: u32",
  "blocks: u32",
  "outGroups: u32",
  "groupBlocks: u32",
  "inChannels: u32",
  "outChannels: u32",
  "taps: u32",
  "blockTaps: u32",
  "outStride: u32",
  "inStride: u32",
  "weightsAt: u32",
  "biasAt: u32",
  "hasBias: u32",
];

/**
 * The WGSL text that rearranges a layer's weights, and its bias, as the layer's shader reads them: an invocation makes the
 * four output channels of one place. `count` places make a block, `blocks` blocks and one of the bias a group of output
 * channels. Places run over the block's taps, four input channels and `groupBlocks` blocks of four output channels; a block
 * is one of input channels, or, where a block holds fewer taps (`blockTaps`) than there are, of input channels and a tap.
 *
 * @param winograd places run over points, input channels, filter rows and blocks; filter rows are transformed
 */
export function arrangeSource(
  target: Pick<ConvTarget, "storage" | "half">,
  winograd: readonly (readonly [number, number, number])[] | undefined,
): string {
  const store = target.storage === "texture"
    ? "textureStore(arranged, vec2u(place, block), outGroup, value);"
    : `arranged[(outGroup * (p.blocks + 1u) + block) * p.count + place] = ${storageType(target)}(value);`;
  const output = target.storage === "texture"
    ? "@group(0) @binding(2) var arranged: texture_storage_2d_array<rgba32float, write>;\n"
    : storageBuffer(2, "arranged", storageType(target), "read_write");
  const places = winograd
    ? `let tap = place / p.groupBlocks % 3u * 3u;
    let c = block * 4u + place / (p.groupBlocks * 3u) % 4u;
    let g = transforms[place / (p.groupBlocks * 12u)];`
    : `let within = place / (p.groupBlocks * 4u);
    let perInput = p.taps / p.blockTaps;
    let tap = select(within, block % perInput, perInput > 1u);
    let c = block / perInput * 4u + place / p.groupBlocks % 4u;`;
  const value = winograd
    ? "g.x * at(o + K, c, tap) + g.y * at(o + K, c, tap + 1u) + g.z * at(o + K, c, tap + 2u)"
    : "at(o + K, c, tap)";
  const transforms = winograd
    ? `const transforms = array<vec3f, ${winograd.length}>(${
      winograd.map((row) => `vec3f(${row.join(", ")})`).join(", ")
    });\n`
    : "";
  return `${enableHalf(target)}${storageBuffer(0, "weights", "f32")}${
    storageBuffer(1, "bias", "f32")
  }${output}${paramsStruct(3, MEMBERS)}${transforms}
fn at(o: u32, c: u32, tap: u32) -> f32 {
  if (o >= p.outChannels || c >= p.inChannels) { return 0.0; }
  return weights[p.weightsAt + (o * p.outStride + c * p.inStride) * p.taps + tap];
}
fn biasOf(o: u32) -> f32 {
  if (o >= p.outChannels || p.hasBias == 0u) { return 0.0; }
  return bias[p.biasAt + o];
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let total = p.count * (p.blocks + 1u) * p.outGroups;
  for (var i = id.x + id.y * groups.x * 64u; i < total; i += groups.x * groups.y * 64u) {
    let place = i % p.count;
    let block = i / p.count % (p.blocks + 1u);
    let outGroup = i / (p.count * (p.blocks + 1u));
    var o = (outGroup * p.groupBlocks + place % p.groupBlocks) * 4u;
    var value = vec4f(0);
    if (block < p.blocks) {
    ${places}
      value = vec4f(${repeat(4, (k) => value.replaceAll("K", `${k}u`), ", ")});
    } else if (place < p.groupBlocks) {
      value = vec4f(${repeat(4, (k) => `biasOf(o + ${k}u)`, ", ")});
    }
    ${store}
  }
}
`;
}
