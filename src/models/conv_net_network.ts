import type { ConvEngine, ConvLayer, FeatureMap } from "../compute/conv_engine.ts";
import { geometryOf, outputSize } from "../compute/conv_geometry.ts";
import { applyToPlanes } from "../compute/conv_planes.ts";
import { Tensor } from "../tensor/tensor.ts";
import { foldBatchNorm } from "./batch_norm.ts";
import { type ConvNetShuffle, outputShape, type PlannedConv, type PlannedStep } from "./conv_net_layout.ts";
import type { DeviceNetwork } from "./network_denoiser.ts";
import { pixelShuffle, pixelUnshuffle } from "./pixel_shuffle.ts";
import { PreparedLayers } from "./prepared_layers.ts";
import type { HostParameter } from "./state_dict.ts";
import { Workspace } from "./workspace.ts";

type Step =
  | { readonly type: "conv"; readonly layer: ConvLayer }
  | { readonly type: "residual"; readonly steps: readonly Step[] }
  | ConvNetShuffle;

/** A {@link ConvNet}'s layers on one device. */
export class ConvNetNetwork implements DeviceNetwork {
  readonly #layers: PreparedLayers;
  readonly #plan: readonly PlannedStep[];
  readonly #steps: readonly Step[];

  /** Prepares the layers; `weights` holds every key of the plan. */
  constructor(
    engine: ConvEngine,
    plan: readonly PlannedStep[],
    weights: ReadonlyMap<string, HostParameter>,
  ) {
    this.#layers = new PreparedLayers(engine);
    this.#plan = plan;
    const prepare = ({ spec, key, normKey }: PlannedConv): ConvLayer => {
      const { data, bias } = normKey === undefined
        ? { data: weights.get(`${key}.weight`)!.data, bias: weights.get(`${key}.bias`)?.data }
        : foldBatchNorm(weights, key, normKey, { norm: "standard", bias: true }, spec.transposed);
      return this.#layers.prepare(spec, data, bias);
    };
    const build = (step: PlannedStep): Step => {
      if (step.type === "conv") return { type: "conv", layer: prepare(step) };
      return step.type === "residual" ? { type: "residual", steps: step.steps.map(build) } : step;
    };
    this.#steps = this.#layers.during(() => plan.map(build));
  }

  /**
   * The network on images, one after the other.
   *
   * @param input (B, C, H, W)
   * @returns (B, C', H', W'), as the layers say
   * @throws {InvalidArgumentError} when the images' size does not suit the layers
   */
  forward(input: Tensor): Tensor {
    const { engine } = this.#layers;
    const [batch, channels, height, width] = input.shape;
    const shape = outputShape(this.#plan, [channels, height, width]);
    const output = Tensor.empty([batch, ...shape], input);
    try {
      const [first] = this.#steps;
      const only = this.#steps.length === 1 && first.type === "conv" ? first.layer : undefined;
      for (let item = 0; item < batch; item++) {
        const from = { buffer: input.array.storage.buffer, offset: item * channels * height * width };
        const to = { buffer: output.array.storage.buffer, offset: item * shape[0] * shape[1] * shape[2] };
        if (only) {
          applyToPlanes(engine, only, from, height, width, to);
          continue;
        }
        using maps = new Workspace(engine);
        const image = maps.allocate(channels, height, width);
        engine.pack(from.buffer, from.offset, image);
        const result = this.#run(maps, this.#steps, image, input);
        engine.unpack(result, to.buffer, to.offset);
      }
      return output;
    } catch (error) {
      output.dispose();
      throw error;
    }
  }

  /** Frees the layers. */
  [Symbol.dispose](): void {
    this.#layers[Symbol.dispose]();
  }

  /** The steps one after the other; the last one adds `addend`. Leaves `input` alone. */
  #run(
    maps: Workspace,
    steps: readonly Step[],
    input: FeatureMap,
    place: Tensor,
    addend?: FeatureMap,
  ): FeatureMap {
    let x = input;
    for (const [k, step] of steps.entries()) {
      const from = x;
      if (step.type === "conv") {
        x = this.#convolved(maps, step.layer, from, k === steps.length - 1 ? addend : undefined);
      } else if (step.type === "residual") x = this.#run(maps, step.steps, from, place, from);
      else x = this.#shuffled(maps, step, from, place);
      if (from !== input) maps.release(from);
    }
    return x;
  }

  #convolved(maps: Workspace, layer: ConvLayer, from: FeatureMap, addend?: FeatureMap): FeatureMap {
    const size = outputSize(geometryOf(layer.spec), from.height, from.width);
    const to = maps.allocate(layer.spec.outChannels, ...size);
    this.#layers.engine.apply(layer, from, to, addend ? [addend] : []);
    return to;
  }

  /** By way of planes. */
  #shuffled(maps: Workspace, { type, factor }: ConvNetShuffle, from: FeatureMap, place: Tensor): FeatureMap {
    const { engine } = this.#layers;
    using planes = Tensor.empty([1, from.channels, from.height, from.width], place);
    engine.unpack(from, planes.array.storage.buffer, 0);
    using moved = type === "pixelShuffle" ? pixelShuffle(planes, factor) : pixelUnshuffle(planes, factor);
    const [, channels, height, width] = moved.shape;
    const to = maps.allocate(channels, height, width);
    engine.pack(moved.array.storage.buffer, 0, to);
    return to;
  }
}
