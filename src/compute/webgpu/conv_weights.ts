import { InvalidArgumentError } from "../../util/errors.ts";
import type { ConvSpec } from "../conv_engine.ts";
import type { ConvGeometry } from "../conv_geometry.ts";
import { type Dispatch, groups, MAX_WORKGROUPS, Params } from "./dispatch.ts";
import { arrangeSource } from "./kernels/conv_arrange.ts";
import { directWeights } from "./kernels/conv_direct.ts";
import { generalWeights } from "./kernels/conv_general.ts";
import type { ConvTarget } from "./kernels/conv_layout.ts";
import { FILTER_TRANSFORM, winogradWeights } from "./kernels/conv_winograd.ts";

/** vec4f along the weights of a block, blocks and the bias, groups of output channels. */
export type ArrangedSize = readonly [count: number, blocks: number, outGroups: number];

/** Rearranged weights and bias, row-major. */
export interface ArrangedWeights {
  readonly data: Float32Array<ArrayBuffer>;
  readonly size: ArrangedSize;
}

/** How a shader wants its weights: all taps of a block, a block for every tap, or transformed by Winograd. */
export type WeightOrder = "taps" | "tapBlocks" | "winograd";

/** A layer's weights as its shader reads them. */
export interface WeightLayout {
  readonly size: ArrangedSize;
  /** Of row-major weights. */
  arrange(weights: Float32Array, bias: Float32Array | undefined): ArrangedWeights;
  /** The same on the device, for weights and a bias at these places of their buffers: weights, bias, then the result. */
  arrangement(weightsAt: number, biasAt: number | undefined): Omit<Dispatch, "resources">;
}

/** Turns of the loop over blocks and taps, of which lavapipe does not take more than 65,535. */
const MAX_TURNS = 60_000;

/** The layout of a layer's weights, `channels` output channels to a group. */
export function weightLayout(
  { inChannels, outChannels }: Pick<ConvSpec, "inChannels" | "outChannels">,
  { kernel, transposed }: Pick<ConvGeometry, "kernel" | "transposed">,
  order: WeightOrder,
  channels: number,
  target: Pick<ConvTarget, "storage" | "half">,
): WeightLayout {
  const taps = kernel[0] * kernel[1];
  const outGroups = Math.ceil(outChannels / channels);
  const inBlocks = Math.ceil(inChannels / 4);
  const blocks = order === "tapBlocks" ? inBlocks * taps : inBlocks;
  const at = (o: number, c: number, tap: number, weights: Float32Array) => {
    if (o >= outChannels || c >= inChannels) return 0;
    return weights[(transposed ? c * outChannels + o : o * inChannels + c) * taps + tap];
  };
  const orderOf = {
    winograd: winogradWeights,
    tapBlocks: generalWeights,
    taps: directWeights,
  }[order];
  const { count, fill } = orderOf(channels, taps);
  const size = [count, blocks + 1, outGroups] as const;
  return {
    size,
    arrange(weights, bias) {
      const data = new Float32Array(outGroups * (blocks + 1) * count * 4);
      const own = (o: number, c: number, tap: number) => at(o, c, tap, weights);
      for (let outGroup = 0; outGroup < outGroups; outGroup++) {
        for (let block = 0; block <= blocks; block++) {
          const start = (outGroup * (blocks + 1) + block) * count * 4;
          const into = data.subarray(start, start + count * 4);
          if (block < blocks) fill(into, outGroup, block, own);
          else if (bias) into.set(bias.subarray(outGroup * channels, (outGroup + 1) * channels));
        }
      }
      return { data, size };
    },
    arrangement(weightsAt, biasAt) {
      const winograd = order === "winograd" ? FILTER_TRANSFORM : undefined;
      const [outStride, inStride] = transposed ? [1, outChannels] : [inChannels, 1];
      const workgroups = Math.ceil(count * (blocks + 1) * outGroups / 64);
      return {
        program: {
          key: `arrange ${order === "winograd"} ${target.storage} ${target.half ?? false}`,
          bindings: target.storage === "texture" ? "rro" : "rrw",
          source: () => arrangeSource(target, winograd),
        },
        params: new Params().int(
          count,
          blocks,
          outGroups,
          channels / 4,
          inChannels,
          outChannels,
          taps,
          order === "tapBlocks" ? 1 : taps,
          outStride,
          inStride,
          weightsAt,
          biasAt ?? 0,
          Number(biasAt !== undefined),
        ),
        workgroups: [groups(workgroups, 1), Math.ceil(workgroups / MAX_WORKGROUPS), 1],
      };
    },
  };
}

/** @throws {InvalidArgumentError} when a layer's shader would loop for longer than the device lets it */
export function requireFewBlocks({ size: [, blocks] }: WeightLayout): void {
  if (fewBlocks(blocks)) return;
  const requirement = `of at most ${MAX_TURNS} taps times blocks of four input channels on this device`;
  throw new InvalidArgumentError("prepare a layer", "kernel", requirement, String(blocks - 1));
}

/** Whether a loop over so many blocks, and the bias, is short enough. */
export function fewBlocks(blocks: number): boolean {
  return blocks - 1 <= MAX_TURNS;
}
