import { InvalidArgumentError } from "../../util/errors.ts";
import type { ConvSpec } from "../conv_engine.ts";
import {
  type AxisPhase,
  type ConvGeometry,
  geometryOf,
  phaseLength,
  phasesOf,
  type SpecialConv,
  specialOf,
} from "../conv_geometry.ts";
import { activationOf } from "../conv_validation.ts";
import { MAX_WORKGROUPS, Params, type Program } from "./dispatch.ts";
import type { WebGpuFeatureMap } from "./feature_map.ts";
import { directSource, type DirectSpec, directWeights } from "./kernels/conv_direct.ts";
import { generalSource, type GeneralSpec, generalWeights } from "./kernels/conv_general.ts";
import { activationParameter, type ConvTarget, type Finish, layerBindings } from "./kernels/conv_layout.ts";
import { SHARED_TILE_WIDTH, sharedSource, type SharedSpec } from "./kernels/conv_shared.ts";
import { TILE_WIDTH, winogradSource, type WinogradSpec, winogradWeights } from "./kernels/conv_winograd.ts";
import type { ConvPreset } from "./presets.ts";

/** Rearranged weights and bias: `size` vec4f along (weights of a block, blocks + 1 for the bias, groups of outputs). */
export interface ArrangedWeights {
  readonly data: Float32Array<ArrayBuffer>;
  readonly size: readonly [number, number, number];
}

/** One launch of a layer's shader. */
export interface LayerLaunch {
  readonly params: Params;
  readonly workgroups: readonly [number, number, number];
}

/** How one layer is computed: which shader, which weights, how many workgroups. Sizes of images stay open. */
export interface LayerPlan {
  readonly geometry: ConvGeometry;
  readonly program: Program;
  arrange(weights: Float32Array, bias: Float32Array | undefined): ArrangedWeights;
  /** What computes an output: one launch, or, of a transposed layer, several that share no pixel. */
  launches(input: WebGpuFeatureMap, output: WebGpuFeatureMap): LayerLaunch[];
}

/** The algorithm of a layer, with its tile in pixels of the output (`up2x2`: of the input) and its channels. */
type Algorithm =
  | { readonly kind: "direct"; readonly spec: DirectSpec }
  | { readonly kind: "shared"; readonly spec: SharedSpec & { readonly tileWidth: number } }
  | { readonly kind: "winograd"; readonly spec: WinogradSpec & { readonly tileWidth: number } }
  | { readonly kind: "general"; readonly spec: GeneralSpec };

/** Few different shaders: each takes half a second to compile. Direct layers of few outputs take taller tiles. */
function chooseAlgorithm(
  op: SpecialConv | undefined,
  finish: Finish,
  outChannels: number,
  preset: ConvPreset,
): Algorithm {
  if (op === "conv3x3" && preset.winograd) {
    const { channels } = preset;
    return { kind: "winograd", spec: { tileWidth: TILE_WIDTH, tileHeight: 3, channels, ...finish } };
  }
  const narrow = outChannels <= 4;
  if (op === "conv3x3" && preset.shared && preset.storage === "buffer" && !narrow) {
    const { shared, channels } = preset;
    return {
      kind: "shared",
      spec: { ...shared, tileWidth: SHARED_TILE_WIDTH, tileHeight: 2, channels, ...finish },
    };
  }
  const channels = narrow ? 4 : preset.channels;
  if (op === undefined) {
    return { kind: "general", spec: { tileWidth: 4, tileHeight: narrow ? 4 : 2, channels, ...finish } };
  }
  const [tileWidth, tileHeight] = op === "conv3x3" ? [4, narrow ? 4 : 2] : op === "down2x2" ? [2, 2] : [2, 1];
  return { kind: "direct", spec: { op, tileWidth, tileHeight, channels, ...finish } };
}

function sourceOf(algorithm: Algorithm, target: ConvTarget): string {
  switch (algorithm.kind) {
    case "winograd":
      return winogradSource(algorithm.spec, target);
    case "shared":
      return sharedSource(algorithm.spec, target);
    case "direct":
      return directSource(algorithm.spec, target);
    case "general":
      return generalSource(algorithm.spec, target);
  }
}

/**
 * Plans a layer for a preset.
 *
 * @throws {InvalidArgumentError} when a number of the spec is out of range
 */
export function planLayer(spec: ConvSpec, preset: ConvPreset): LayerPlan {
  const target: ConvTarget = preset;
  const geometry = geometryOf(spec);
  const op = specialOf(geometry);
  const [activation, parameter] = activationParameter(activationOf(spec));
  const algorithm = chooseAlgorithm(op, { activation, addends: spec.addends }, spec.outChannels, preset);
  const { tileWidth, tileHeight, channels, addends } = algorithm.spec;
  const { storage, half, broadcastLanes, workgroup } = target;
  const group = algorithm.kind === "shared" ? algorithm.spec : undefined;
  const program: Program = {
    key:
      `${algorithm.kind} ${op} ${tileWidth}x${tileHeight}x${channels}+${addends} ${activation} ${storage} ${broadcastLanes}` +
      (half ? " half" : "") + (group ? ` ${group.across}x${group.down}x${group.deep}` : ""),
    bindings: layerBindings(target, addends),
    source: () => sourceOf(algorithm, target),
  };
  const outGroups = Math.ceil(spec.outChannels / channels);
  const [across, down, deep] = group ? [group.across, group.down, group.deep] : [1, 1, 1];
  /** Tiles over `height` x `width` pixels; `blocks`: of the weights of an output group. */
  const launch = (
    input: WebGpuFeatureMap,
    output: WebGpuFeatureMap,
    [height, width]: readonly [number, number],
    blocks: number,
  ): LayerLaunch => {
    const tilesX = Math.ceil(width / (tileWidth * across));
    const tiles = tilesX * Math.ceil(height / (tileHeight * down));
    const groupsOfTiles = group ? tiles : Math.ceil(tiles / workgroup);
    const groupsY = Math.min(groupsOfTiles, MAX_WORKGROUPS);
    const params = new Params()
      .int(tilesX, groupsY, blocks, output.blocks, output.height, output.width)
      .float(parameter)
      .int(input.row, input.plane, output.row, output.plane);
    return {
      params,
      workgroups: [Math.ceil(outGroups / deep), groupsY, Math.ceil(groupsOfTiles / groupsY)],
    };
  };
  return {
    geometry,
    program,
    arrange: (weights, bias) => arrange(spec, geometry, algorithm, outGroups, weights, bias),
    launches(input, output) {
      if (op) {
        const { height, width } = op === "up2x2" ? input : output;
        return [launch(input, output, [height, width], input.blocks)];
      }
      const taps = geometry.kernel[0] * geometry.kernel[1];
      return phasesOf(geometry, 0).flatMap((rows) =>
        phasesOf(geometry, 1).flatMap((columns) => {
          const size = [phaseLength(rows, output.height), phaseLength(columns, output.width)] as const;
          if (size[0] === 0 || size[1] === 0) return [];
          const one = launch(input, output, size, input.blocks * taps);
          one.params.int(...phaseParams(rows), ...phaseParams(columns));
          one.params.int(input.height, input.width, geometry.kernel[1], taps);
          return [one];
        })
      );
    },
  };
}

/** A phase as {@link generalSource} takes it. */
function phaseParams({ first, step, start, advance, spacing, taps, tap, tapStep }: AxisPhase): number[] {
  return [first, step, start, advance, spacing, taps, tap, tapStep];
}

/** Turns of the loop over blocks and taps, of which lavapipe does not take more than 65,535. */
const MAX_TURNS = 60_000;

function arrange(
  spec: ConvSpec,
  { kernel, transposed }: ConvGeometry,
  algorithm: Algorithm,
  outGroups: number,
  weights: Float32Array,
  bias: Float32Array | undefined,
): ArrangedWeights {
  const { inChannels, outChannels } = spec;
  const taps = kernel[0] * kernel[1];
  const at = (o: number, c: number, tap: number) => {
    if (o >= outChannels || c >= inChannels) return 0;
    return weights[(transposed ? c * outChannels + o : o * inChannels + c) * taps + tap];
  };
  const { channels } = algorithm.spec;
  const { count, fill } = algorithm.kind === "winograd"
    ? winogradWeights({ channels }, at)
    : algorithm.kind === "general"
    ? generalWeights(channels, taps, at)
    : directWeights(algorithm.kind === "direct" ? algorithm.spec : { op: "conv3x3", channels }, at);
  const blocks = Math.ceil(inChannels / 4) * (algorithm.kind === "general" ? taps : 1);
  if (blocks > MAX_TURNS) {
    const requirement = `of at most ${MAX_TURNS} taps times blocks of four input channels on this device`;
    throw new InvalidArgumentError("prepare a layer", "kernel", requirement, String(blocks));
  }
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
