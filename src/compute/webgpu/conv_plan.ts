import { InvalidArgumentError } from "../../util/errors.ts";
import type { ConvSpec } from "../conv_engine.ts";
import { MAX_WORKGROUPS, Params, type Program } from "./dispatch.ts";
import type { WebGpuFeatureMap } from "./feature_map.ts";
import { directSource, type DirectSpec, directWeights, tapCount } from "./kernels/conv_direct.ts";
import { type ConvTarget, layerBindings } from "./kernels/conv_layout.ts";
import { SHARED_TILE_WIDTH, sharedSource, type SharedSpec } from "./kernels/conv_shared.ts";
import { TILE_WIDTH, winogradSource, type WinogradSpec, winogradWeights } from "./kernels/conv_winograd.ts";
import type { ConvPreset } from "./presets.ts";

/** Rearranged weights and bias: `size` vec4f along (weights of a block, blocks + 1 for the bias, groups of outputs). */
export interface ArrangedWeights {
  readonly data: Float32Array<ArrayBuffer>;
  readonly size: readonly [number, number, number];
}

/** How one layer is computed: which shader, which weights, how many workgroups. Sizes of images stay open. */
export interface LayerPlan {
  readonly program: Program;
  arrange(weights: Float32Array, bias: Float32Array | undefined): ArrangedWeights;
  launch(
    input: WebGpuFeatureMap,
    output: WebGpuFeatureMap,
  ): { params: Params; workgroups: readonly [number, number, number] };
}

/** The algorithm of a layer, with its tile in pixels of the output (`up2x2`: of the input) and its channels. */
type Algorithm =
  | { readonly kind: "direct"; readonly spec: DirectSpec }
  | { readonly kind: "shared"; readonly spec: SharedSpec & { readonly tileWidth: number } }
  | { readonly kind: "winograd"; readonly spec: WinogradSpec & { readonly tileWidth: number } };

/** Few different shaders: each takes half a second to compile. Direct layers of few outputs take taller tiles. */
function chooseAlgorithm({ op, outChannels, addends }: ConvSpec, preset: ConvPreset): Algorithm {
  if (op === "conv3x3" && preset.winograd) {
    const { channels } = preset;
    return { kind: "winograd", spec: { tileWidth: TILE_WIDTH, tileHeight: 3, channels, addends } };
  }
  const narrow = outChannels <= 4;
  if (op === "conv3x3" && preset.shared && preset.storage === "buffer" && !narrow) {
    const { shared, channels } = preset;
    return {
      kind: "shared",
      spec: { ...shared, tileWidth: SHARED_TILE_WIDTH, tileHeight: 2, channels, addends },
    };
  }
  const channels = narrow ? 4 : preset.channels;
  const [tileWidth, tileHeight] = op === "conv3x3" ? [4, narrow ? 4 : 2] : op === "down2x2" ? [2, 2] : [2, 1];
  return { kind: "direct", spec: { op, tileWidth, tileHeight, channels, addends } };
}

/** Plans a layer for a preset. */
export function planLayer(spec: ConvSpec, preset: ConvPreset): LayerPlan {
  const target: ConvTarget = preset;
  const algorithm = chooseAlgorithm(spec, preset);
  const { tileWidth, tileHeight, channels, addends } = algorithm.spec;
  const { storage, half, broadcastLanes, workgroup } = target;
  const group = algorithm.kind === "shared" ? algorithm.spec : undefined;
  const program: Program = {
    key:
      `${algorithm.kind} ${spec.op} ${tileWidth}x${tileHeight}x${channels}+${addends} ${storage} ${broadcastLanes}` +
      (half ? " half" : "") + (group ? ` ${group.across}x${group.down}x${group.deep}` : ""),
    bindings: layerBindings(target, addends),
    source: () =>
      algorithm.kind === "winograd"
        ? winogradSource(algorithm.spec, target)
        : algorithm.kind === "shared"
        ? sharedSource(algorithm.spec, target)
        : directSource(algorithm.spec, target),
  };
  const outGroups = Math.ceil(spec.outChannels / channels);
  return {
    program,
    arrange: (weights, bias) => arrange(spec, algorithm, outGroups, weights, bias),
    launch(input, output) {
      const anchor = spec.op === "up2x2" ? input : output;
      const [across, down, deep] = group ? [group.across, group.down, group.deep] : [1, 1, 1];
      const tilesX = Math.ceil(anchor.width / (tileWidth * across));
      const tiles = tilesX * Math.ceil(anchor.height / (tileHeight * down));
      const groupsOfTiles = group ? tiles : Math.ceil(tiles / workgroup);
      const groupsY = Math.min(groupsOfTiles, MAX_WORKGROUPS);
      const params = new Params()
        .int(tilesX, groupsY, input.blocks, output.blocks, output.height, output.width)
        .float(spec.activation === "relu" ? 0 : -Infinity)
        .int(input.row, input.plane, output.row, output.plane);
      return {
        params,
        workgroups: [Math.ceil(outGroups / deep), groupsY, Math.ceil(groupsOfTiles / groupsY)],
      };
    },
  };
}

function arrange(
  spec: ConvSpec,
  algorithm: Algorithm,
  outGroups: number,
  weights: Float32Array,
  bias: Float32Array | undefined,
): ArrangedWeights {
  const { op, inChannels, outChannels } = spec;
  const taps = tapCount(op);
  if (weights.length !== inChannels * outChannels * taps) {
    const requirement = `${inChannels} x ${outChannels} x ${taps} values`;
    throw new InvalidArgumentError("prepare a layer", "weights", requirement, `${weights.length}`);
  }
  if ((bias?.length ?? 0) !== (spec.bias ? outChannels : 0)) {
    const requirement = spec.bias ? `${outChannels} values` : "absent";
    throw new InvalidArgumentError("prepare a layer", "bias", requirement, `${bias?.length ?? "none"}`);
  }
  const at = (o: number, c: number, tap: number) => {
    if (o >= outChannels || c >= inChannels) return 0;
    return weights[(op === "up2x2" ? c * outChannels + o : o * inChannels + c) * taps + tap];
  };
  const { count, fill } = algorithm.kind === "winograd"
    ? winogradWeights(algorithm.spec, at)
    : directWeights({ op, channels: algorithm.spec.channels }, at);
  const blocks = Math.ceil(inChannels / 4);
  const { channels } = algorithm.spec;
  const data = new Float32Array(outGroups * (blocks + 1) * count * 4);
  for (let outGroup = 0; outGroup < outGroups; outGroup++) {
    for (let block = 0; block <= blocks; block++) {
      const start = (outGroup * (blocks + 1) + block) * count * 4;
      const into = data.subarray(start, start + count * 4);
      if (block < blocks) fill(into, outGroup, block);
      else if (bias) into.set(bias.subarray(outGroup * channels, (outGroup + 1) * channels));
    }
  }
  return { data, size: [count, blocks + 1, outGroups] };
}
