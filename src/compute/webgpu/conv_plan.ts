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
import { type WeightLayout, weightLayout, type WeightOrder } from "./conv_weights.ts";
import { MAX_WORKGROUPS, Params, type Program } from "./dispatch.ts";
import type { WebGpuFeatureMap } from "./feature_map.ts";
import { directSource, type DirectSpec } from "./kernels/conv_direct.ts";
import { generalSource, type GeneralSpec } from "./kernels/conv_general.ts";
import { activationParameter, type ConvTarget, type Finish, layerBindings } from "./kernels/conv_layout.ts";
import { SHARED_TILE_WIDTH, sharedSource, type SharedSpec } from "./kernels/conv_shared.ts";
import { TILE_WIDTH, winogradSource, type WinogradSpec } from "./kernels/conv_winograd.ts";
import { presetFor } from "./layer_class.ts";
import type { ConvPreset } from "./presets.ts";

/** One launch of a layer's shader. */
export interface LayerLaunch {
  readonly params: Params;
  readonly workgroups: readonly [number, number, number];
}

/** How one layer is computed: which shader, which weights, how many workgroups. Sizes of images stay open. */
export interface LayerPlan {
  readonly geometry: ConvGeometry;
  readonly program: Program;
  readonly weights: WeightLayout;
  /** What computes an output: one launch, or, of a transposed layer, several that share no pixel. */
  launches(input: WebGpuFeatureMap, output: WebGpuFeatureMap): LayerLaunch[];
}

/** The algorithm of a layer, with its tile in pixels of the output (`up2x2`: of the input) and its channels. */
type Algorithm =
  | { readonly kind: "direct"; readonly spec: DirectSpec }
  | { readonly kind: "shared"; readonly spec: SharedSpec & { readonly tileWidth: number } }
  | { readonly kind: "winograd"; readonly spec: WinogradSpec & { readonly tileWidth: number } }
  | { readonly kind: "general"; readonly spec: GeneralSpec };

const ORDERS: Readonly<Record<Algorithm["kind"], WeightOrder>> = {
  direct: "taps",
  shared: "taps",
  winograd: "winograd",
  general: "tapBlocks",
};

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
export function planLayer(spec: ConvSpec, whole: ConvPreset): LayerPlan {
  const preset = presetFor(spec, whole);
  const target: ConvTarget = preset;
  const geometry = geometryOf(spec);
  const op = specialOf(geometry);
  const finished = activationOf(spec);
  const [activation, parameter] = activationParameter(finished);
  const finish: Finish = { activation, addends: spec.addends, activationLast: finished.last };
  const algorithm = chooseAlgorithm(op, finish, spec.outChannels, preset);
  const { tileWidth, tileHeight, channels, addends } = algorithm.spec;
  const { storage, half, broadcastLanes, workgroup } = target;
  const group = algorithm.kind === "shared" ? algorithm.spec : undefined;
  const program: Program = {
    key:
      `${algorithm.kind} ${op} ${tileWidth}x${tileHeight}x${channels}+${addends}${
        finished.last ? " before" : ""
      } ${activation} ${storage} ${broadcastLanes} ${workgroup}` +
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
    weights: weightLayout(spec, geometry, ORDERS[algorithm.kind], channels, target),
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
