import type { Device } from "../compute/device.ts";
import { loadSafetensors } from "../io/safetensors.ts";
import { generatorFor } from "../tensor/random.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { DnCNNNetwork } from "./dncnn_network.ts";
import { type HostParameter, type ParameterShapes, readStateDict, type StateDict } from "./state_dict.ts";

/** Options of {@link DnCNN.create}. */
export interface DnCNNOptions {
  /** Channels of the images; default 3. */
  inChannels?: number;
  /** Equal to `inChannels`, its default, because the network adds the image to its result. */
  outChannels?: number;
  /** Number of convolutions, >= 2; default 20. */
  depth?: number;
  /** Channels between them; default 64. */
  nf?: number;
  /** Whether the convolutions have biases; default true. */
  bias?: boolean;
  /** The path or URL of a .safetensors file, or a state dict; `null`, the default, draws random weights. */
  weights?: string | URL | StateDict | null;
  /** Of random weights; default 0. */
  seed?: number;
}

/** The size of a DnCNN. */
export type DnCNNConfig = Readonly<Required<Pick<DnCNNOptions, "inChannels" | "depth" | "nf" | "bias">>>;

/**
 * The denoiser of Zhang et al. ("Beyond a Gaussian denoiser: residual learning of deep CNN for image denoising", 2017):
 * 3x3 convolutions with ReLUs between them, whose result is added to the image. It is made for one noise level.
 *
 * @example
 * ```ts
 * import { DnCNN, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using denoiser = await DnCNN.create({ inChannels: 1, depth: 4, nf: 8 });
 * console.log((await denoiser.forward(Tensor.zeros([1, 1, 16, 16]))).shape); // [ 1, 1, 16, 16 ]
 * ```
 */
export class DnCNN extends Denoiser implements Disposable {
  /** The network's size. */
  readonly config: DnCNNConfig;
  #weights: ReadonlyMap<string, HostParameter>;
  readonly #networks = new Map<Device, DnCNNNetwork>();

  private constructor(config: DnCNNConfig, weights: ReadonlyMap<string, HostParameter>) {
    super();
    this.config = config;
    this.#weights = weights;
  }

  /**
   * Builds a network and loads or draws its weights.
   *
   * @throws {InvalidArgumentError} when a size is out of range or the weights do not fit it
   * @throws {FileError} when the weights' file cannot be read
   * @throws {SafetensorsError} when it is not a valid safetensors file
   */
  static async create(options: DnCNNOptions = {}): Promise<DnCNN> {
    const { inChannels = 3, outChannels = inChannels, depth = 20, nf = 64, bias = true } = options;
    const { weights = null, seed = 0 } = options;
    const counts = [inChannels, outChannels, depth, nf];
    if (!counts.every((count) => Number.isInteger(count) && count >= 1) || depth < 2) {
      throw new InvalidArgumentError(
        "build DnCNN",
        "inChannels, outChannels, depth and nf",
        "whole numbers >= 1, with depth >= 2",
        counts.join(", "),
      );
    }
    if (outChannels !== inChannels) {
      const requirement = `inChannels (${inChannels})`;
      throw new InvalidArgumentError("build DnCNN", "outChannels", requirement, String(outChannels));
    }
    const config = { inChannels, depth, nf, bias };
    const shapes = parameterShapes(config);
    const state = typeof weights === "string" || weights instanceof URL
      ? await loadSafetensors(weights)
      : weights;
    return new DnCNN(
      config,
      state ? await readStateDict("DnCNN", state, shapes) : randomWeights(shapes, seed),
    );
  }

  /**
   * The denoised images, of x's shape.
   *
   * @param x (B, inChannels, H, W), nominally in [0, 1], H and W >= 1
   * @param _sigma plays no part
   * @throws {InvalidArgumentError} for other shapes
   */
  override async forward(x: Tensor, _sigma?: number | Tensor): Promise<Tensor> {
    const { inChannels } = this.config;
    if (x.shape.length !== 4 || x.shape[1] !== inChannels || x.numel === 0) {
      const requirement = `of shape (B, ${inChannels}, H, W), none of them 0`;
      throw new InvalidArgumentError("denoise with DnCNN", "x", requirement, formatShape(x.shape));
    }
    let network = this.#networks.get(x.device);
    if (!network) {
      network = new DnCNNNetwork(x.device.conv, layerNames(this.config.depth), this.#weights);
      this.#networks.set(x.device, network);
    }
    return await Promise.resolve(network.forward(x));
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
    this.#weights = await readStateDict("DnCNN", state, parameterShapes(this.config));
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
}

function layerNames(depth: number): string[] {
  return ["in_conv", ...Array.from({ length: depth - 2 }, (_, k) => `conv_list.${k}`), "out_conv"];
}

/** The keys and shapes of a DnCNN's parameters in deepinv's order. */
function parameterShapes({ inChannels, depth, nf, bias }: DnCNNConfig): ParameterShapes {
  const shapes = new Map<string, readonly number[]>();
  for (const [k, name] of layerNames(depth).entries()) {
    const [from, to] = [k === 0 ? inChannels : nf, k === depth - 1 ? inChannels : nf];
    shapes.set(`${name}.weight`, [to, from, 3, 3]);
    if (bias) shapes.set(`${name}.bias`, [to]);
  }
  return shapes;
}

/** He's normal initialisation (2015) for weights; biases are 0. */
function randomWeights(shapes: ParameterShapes, seed: number): Map<string, HostParameter> {
  const generator = generatorFor(seed);
  return new Map([...shapes].map(([key, shape]) => {
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    if (shape.length === 1) return [key, { shape, data }];
    const deviation = Math.sqrt(2 / (shape[1] * shape[2] * shape[3]));
    generator.fillNormal(data);
    return [key, { shape, data: data.map((value) => deviation * value) }];
  }));
}
