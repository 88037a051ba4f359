import type { Device } from "../compute/device.ts";
import { FileError } from "../io/files.ts";
import { loadSafetensors } from "../io/safetensors.ts";
import { generatorFor } from "../tensor/random.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import {
  checkConfig,
  DEFAULT_NB,
  DEFAULT_NC,
  type DRUNetConfig,
  parameterShapes,
  sizeOf,
} from "./drunet_layout.ts";
import { DRUNetNetwork } from "./drunet_network.ts";
import { noiseMap } from "./noise_map.ts";
import { applyWithSizeRule } from "./size_rule.ts";
import { type HostParameter, readStateDict, type StateDict } from "./state_dict.ts";

/** Options of {@link DRUNet.create}. */
export interface DRUNetOptions {
  /** Channels of the noisy image; default 3. */
  inChannels?: number;
  /** Channels of the result; default 3. */
  outChannels?: number;
  /** Channels of the four levels; by default the weights' own, or (64, 128, 256, 512) for random ones. */
  nc?: readonly [number, number, number, number];
  /** Residual blocks a stage; by default the weights' own, or 4 for random ones. */
  nb?: number;
  /**
   * A built-in name (`"small-color"`), the path or URL of a .safetensors file, or a state dict; `null`, the default,
   * draws random weights.
   */
  weights?: string | URL | StateDict | null;
  /** Of random weights; default 0. */
  seed?: number;
}

/** Weights that ship with the package, by name. */
const BUILT_IN: ReadonlyMap<string, URL> = new Map([
  ["small-color", new URL("./weights/drunet_small_color.safetensors", import.meta.url)],
]);

/**
 * The denoiser of DPIR (Zhang et al., "Plug-and-play image restoration with deep denoiser prior", 2021): a U-Net of
 * residual blocks without biases that takes the noise level as a further input channel. Images of any size, by
 * deepinv's size rule.
 *
 * @example
 * ```ts
 * import { DRUNet, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const denoiser = await DRUNet.create({ weights: "small-color" });
 * const clean = await denoiser.forward(Tensor.full([1, 3, 32, 32], 0.5), 0.05);
 * console.log(clean.shape); // [ 1, 3, 32, 32 ]
 * ```
 */
export class DRUNet extends Denoiser implements Disposable {
  /** The network's size. */
  readonly config: DRUNetConfig;
  #weights: ReadonlyMap<string, HostParameter>;
  readonly #networks = new Map<Device, DRUNetNetwork>();

  private constructor(config: DRUNetConfig, weights: ReadonlyMap<string, HostParameter>) {
    super();
    this.config = config;
    this.#weights = weights;
  }

  /**
   * Builds a network and loads or draws its weights.
   *
   * @throws {InvalidArgumentError} when a size is not a whole number >= 1, the weights do not fit it, or their name is
   * neither built in nor a file
   * @throws {FileError} when the weights' file cannot be read
   * @throws {SafetensorsError} when it is not a valid safetensors file
   */
  static async create(options: DRUNetOptions = {}): Promise<DRUNet> {
    const { inChannels = 3, outChannels = 3, weights = null, seed = 0 } = options;
    const state = typeof weights === "string" || weights instanceof URL
      ? await loadWeights(weights)
      : weights;
    const found = state ? sizeOf(state) : { nc: DEFAULT_NC, nb: DEFAULT_NB };
    const config = { inChannels, outChannels, nc: options.nc ?? found.nc, nb: options.nb ?? found.nb };
    checkConfig(config);
    const shapes = parameterShapes(config);
    return new DRUNet(
      config,
      state ? await readStateDict("DRUNet", state, shapes) : randomWeights(shapes, seed),
    );
  }

  /**
   * The denoised images.
   *
   * @param x (B, inChannels, H, W), nominally in [0, 1], H and W >= 1
   * @param sigma standard deviation of the noise: a number, one value per item (B,), or a map (B, 1, H, W)
   * @returns (B, outChannels, H, W)
   * @throws {InvalidArgumentError} for other shapes, and for a noise level that is negative or not finite
   */
  override async forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
    if (x.shape.length !== 4 || x.shape[1] !== this.config.inChannels || x.numel === 0) {
      throw new InvalidArgumentError(
        "denoise with DRUNet",
        "x",
        `of shape (B, ${this.config.inChannels}, H, W), none of them 0`,
        formatShape(x.shape),
      );
    }
    using map = noiseMap(x, sigma);
    using input = Tensor.cat([x, map], 1);
    const network = this.#networkOn(x.device);
    return await Promise.resolve(applyWithSizeRule(input, (tile) => network.forward(tile)));
  }

  /** A copy of the parameters on the default device, by deepinv's key names in deepinv's order. */
  stateDict(): Map<string, Tensor> {
    return new Map([...this.#weights].map(([key, { shape, data }]) => [key, Tensor.from(data, shape)]));
  }

  /**
   * Replaces all parameters.
   *
   * @throws {InvalidArgumentError} naming keys that are missing, unknown or of another shape
   */
  async loadStateDict(state: StateDict): Promise<void> {
    this.#weights = await readStateDict("DRUNet", state, parameterShapes(this.config));
    this.dispose();
  }

  /** Frees what the network holds on devices; it is built again when needed. */
  dispose(): void {
    for (const network of this.#networks.values()) network[Symbol.dispose]();
    this.#networks.clear();
  }

  /** Same as {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #networkOn(device: Device): DRUNetNetwork {
    let network = this.#networks.get(device);
    if (!network) {
      network = new DRUNetNetwork(device.conv, this.config, this.#weights);
      this.#networks.set(device, network);
    }
    return network;
  }
}

/** A bare word could be meant as a built-in name as well as a file's. */
const BARE_WORD = /^[^./\\:]*$/;

async function loadWeights(source: string | URL): Promise<StateDict> {
  if (source instanceof URL) return await loadSafetensors(source);
  try {
    return await loadSafetensors(BUILT_IN.get(source) ?? source);
  } catch (error) {
    if (!(error instanceof FileError) || !BARE_WORD.test(source)) throw error;
    const names = [...BUILT_IN.keys()].map((name) => `"${name}"`).join(", ");
    const requirement = `a built-in name (${names}) or a .safetensors file`;
    throw new InvalidArgumentError(
      "load weights into DRUNet",
      "weights",
      requirement,
      `"${source}", which is neither`,
    );
  }
}

/** Uniform in +-1 / sqrt(fan in), PyTorch's default for convolutions. */
function randomWeights(
  shapes: ReadonlyMap<string, readonly number[]>,
  seed: number,
): Map<string, HostParameter> {
  const generator = generatorFor(seed);
  return new Map([...shapes].map(([key, shape]) => {
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    const bound = 1 / Math.sqrt(shape[1] * shape[2] * shape[3]);
    generator.fillUniform(data);
    return [key, { shape, data: data.map((value) => bound * (2 * value - 1)) }];
  }));
}
