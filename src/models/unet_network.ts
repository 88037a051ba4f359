import type { ConvEngine } from "../compute/conv_engine.ts";
import { Tensor } from "../tensor/tensor.ts";
import { foldBatchNorm } from "./batch_norm.ts";
import { ConvChain, type ConvWeights } from "./conv_chain.ts";
import type { DeviceNetwork } from "./network_denoiser.ts";
import type { HostParameter } from "./state_dict.ts";
import { pairOf, raiseOf, type UNetConfig, type UNetConv } from "./unet_layout.ts";

/** A step from activations to activations. */
type Step = (x: Tensor) => Tensor;

/**
 * A U-Net's layers on one device: x1 = Conv1(x), x2 = Conv2(pool(x1)), ...; then, from the coarsest on,
 * y = Up_conv(cat(x_i, Up(y))); last Conv_1x1(y), perhaps + x.
 */
export class UNetNetwork implements DeviceNetwork {
  readonly #engine: ConvEngine;
  readonly #config: UNetConfig;
  readonly #chains: ConvChain[] = [];
  /** Finest first. */
  readonly #down: readonly Step[];
  /** Coarsest first; `merge` works on the skip connection and the raised activations together. */
  readonly #up: readonly { raise: Step; merge: Step }[];
  readonly #last: Step;

  /** Prepares the layers; `weights` holds every key of the network's layout. */
  constructor(engine: ConvEngine, config: UNetConfig, weights: ReadonlyMap<string, HostParameter>) {
    this.#engine = engine;
    this.#config = config;
    const { scales } = config;
    try {
      this.#down = Array.from({ length: scales }, (_, k) => this.#pair(`Conv${k + 1}`, weights));
      this.#up = Array.from({ length: scales - 1 }, (_, k) => ({
        raise: this.#chain([folded(raiseOf(`Up${scales - k}`, config), config, weights)]),
        merge: this.#pair(`Up_conv${scales - k}`, weights),
      }));
      this.#last = this.#chain(
        [{ ...weights.get("Conv_1x1.weight")!, bias: weights.get("Conv_1x1.bias")?.data }],
        false,
      );
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The network on images, one after the other.
   *
   * @param input (B, inChannels, H, W), H and W multiples of 2^(scales - 1)
   * @returns (B, outChannels, H, W)
   */
  forward(input: Tensor): Tensor {
    const results: Tensor[] = [];
    try {
      for (let item = 0; item < input.shape[0]; item++) {
        using image = input.slice([[item, item + 1]]);
        results.push(this.#forwardOne(image));
      }
      return Tensor.cat(results, 0);
    } finally {
      results.forEach((result) => result.dispose());
    }
  }

  /** Frees the layers. */
  [Symbol.dispose](): void {
    this.#chains.splice(0).forEach((chain) => chain[Symbol.dispose]());
  }

  #forwardOne(image: Tensor): Tensor {
    const { residual, inChannels, outChannels } = this.#config;
    const skips: Tensor[] = [];
    try {
      let x = this.#down[0](image);
      for (const step of this.#down.slice(1)) {
        skips.push(x);
        using pooled = maxPool(x);
        x = step(pooled);
      }
      for (const { raise, merge } of this.#up) {
        using below = x;
        using skip = skips.pop()!;
        using larger = repeated(below);
        const raised = raise(larger);
        x = this.#config.cat ? merged(merge, skip, raised) : raised;
      }
      using finest = x;
      if (!residual || inChannels !== outChannels) return this.#last(finest);
      using correction = this.#last(finest);
      return correction.add(image);
    } finally {
      skips.forEach((skip) => skip.dispose());
    }
  }

  /** Two convolutions, each with a ReLU behind it. */
  #pair(name: string, weights: ReadonlyMap<string, HostParameter>): Step {
    const [first, second] = pairOf(name, this.#config).map((conv) => folded(conv, this.#config, weights));
    if (!this.#config.circularPadding) return this.#chain([first, second]);
    const [around, inside] = [this.#chain([first]), this.#chain([second])];
    return (x) => {
      const [height, width] = x.shape.slice(2);
      using padded = x.pad([[1, 1], [1, 1]], "circular");
      using larger = around(padded);
      using cropped = larger.slice([null, null, [1, height + 1], [1, width + 1]]);
      return inside(cropped);
    };
  }

  #chain(weights: readonly ConvWeights[], relu = true): Step {
    const chain = new ConvChain(this.#engine, weights, { relu });
    this.#chains.push(chain);
    return (x) => chain.forward(x);
  }
}

function merged(merge: Step, skip: Tensor, raised: Tensor): Tensor {
  using _raised = raised;
  using both = Tensor.cat([skip, raised], 1);
  return merge(both);
}

/** The largest value of every 2x2 pixels. */
function maxPool(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  using blocks = x.reshape([batch, channels, height / 2, 2, width / 2, 2]);
  return blocks.max([3, 5]);
}

/** Every pixel as 2x2. */
function repeated(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  using single = x.reshape([batch, channels, height, 1, width, 1]);
  using fourfold = single.expand([batch, channels, height, 2, width, 2]);
  return fourfold.reshape([batch, channels, 2 * height, 2 * width]);
}

function folded(
  { conv, norm }: UNetConv,
  { batchNorm, bias }: UNetConfig,
  weights: ReadonlyMap<string, HostParameter>,
): ConvWeights {
  if (norm) {
    const kind = { norm: batchNorm === "biasfree" ? "biasfree" : "standard", bias } as const;
    return foldBatchNorm(weights, conv, norm, kind);
  }
  return { ...weights.get(`${conv}.weight`)!, bias: weights.get(`${conv}.bias`)?.data };
}
