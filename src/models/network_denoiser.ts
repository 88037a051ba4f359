import type { ConvEngine } from "../compute/conv_engine.ts";
import type { Device } from "../compute/device.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { type HostParameter, type ParameterShapes, readStateDict, type StateDict } from "./state_dict.ts";

/** A network's layers on one device. */
export interface DeviceNetwork extends Disposable {
  /** The network on images (B, C, H, W). */
  forward(input: Tensor): Tensor;
}

/**
 * A convolutional network: parameters in host memory by deepinv's key names, and its layers on every device that it has
 * been used on, made at the first use.
 *
 * @example The weights of one network in another
 * ```ts
 * import assert from "node:assert/strict";
 * import { DnCNN, type NetworkDenoiser, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const options = { inChannels: 1, outChannels: 1, depth: 3, nf: 4, weights: null };
 * using trained: NetworkDenoiser = await DnCNN.create({ ...options, seed: 1 });
 * using fresh: NetworkDenoiser = await DnCNN.create({ ...options, seed: 2 });
 * const state = trained.stateDict(); // Map of deepinv's key names to tensors
 * assert.deepEqual(state.get("in_conv.weight")?.shape, [4, 1, 3, 3]);
 * await fresh.loadStateDict(state);
 * using x = Tensor.randn([1, 1, 16, 16], { seed: 3 });
 * assert.deepEqual(await (await fresh.forward(x, 0.1)).data(), await (await trained.forward(x, 0.1)).data());
 * ```
 */
export abstract class NetworkDenoiser extends Denoiser implements Disposable {
  readonly #owner: string;
  readonly #shapes: ParameterShapes;
  #weights: ReadonlyMap<string, HostParameter>;
  readonly #networks = new Map<Device, DeviceNetwork>();

  /**
   * Keeps the parameters.
   *
   * @param owner the network's name, for messages
   * @param shapes what it expects under each key
   * @param weights one parameter for every key
   */
  protected constructor(
    owner: string,
    shapes: ParameterShapes,
    weights: ReadonlyMap<string, HostParameter>,
  ) {
    super();
    this.#owner = owner;
    this.#shapes = shapes;
    this.#weights = weights;
  }

  /** The layers on a device. */
  protected abstract build(engine: ConvEngine, weights: ReadonlyMap<string, HostParameter>): DeviceNetwork;

  /** The layers on the device of x, built at the first call. */
  protected networkFor(x: Tensor): DeviceNetwork {
    let network = this.#networks.get(x.device);
    if (!network) {
      network = this.build(x.device.conv, this.#weights);
      this.#networks.set(x.device, network);
    }
    return network;
  }

  /**
   * Demands images that the network takes.
   *
   * @throws {InvalidArgumentError} when x is not of shape (B, channels, H, W), or is empty
   */
  protected requireInput(x: Tensor, channels: number): void {
    if (x.shape.length === 4 && x.shape[1] === channels && x.numel > 0) return;
    throw new InvalidArgumentError(
      `denoise with ${this.#owner}`,
      "x",
      `of shape (B, ${channels}, H, W), none of them 0`,
      formatShape(x.shape),
    );
  }

  /** A copy of the parameters on the default device, by deepinv's key names in deepinv's order. */
  stateDict(): Map<string, Tensor> {
    return new Map([...this.#weights].map(([key, { shape, data }]) => [key, Tensor.from(data, shape)]));
  }

  /**
   * Replaces all parameters.
   *
   * @throws {InvalidArgumentError} naming keys that are missing, unknown or of another shape; nothing has changed then
   */
  async loadStateDict(state: StateDict): Promise<void> {
    this.#weights = await readStateDict(this.#owner, state, this.#shapes);
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
