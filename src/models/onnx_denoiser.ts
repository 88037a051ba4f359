import type { Device } from "../compute/device.ts";
import { rankShare } from "../compute/rank_share.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { Denoiser } from "./denoiser.ts";
import { applyOnFixedSize } from "./fixed_tiles.ts";
import { noiseMap } from "./noise_map.ts";
import { OnnxExchange } from "./onnx_exchange.ts";
import {
  checkOptions,
  chooseBackend,
  chooseShared,
  type OnnxDenoiserOptions,
  readModel,
} from "./onnx_options.ts";
import { type OnnxPlan, planInputs, scalarDims } from "./onnx_plan.ts";
import {
  loadOnnxRuntime,
  type OnnxBackend,
  type OnnxRuntime,
  OnnxRuntimeError,
  type OnnxSession,
  type OnnxTensor,
} from "./onnx_runtime.ts";
import { inTurn } from "./onnx_turns.ts";

/**
 * A denoiser from an ONNX model: one's own network, as PyTorch and others export it. onnxruntime is an optional
 * dependency, fetched from npm when the first model is opened. On webgpu it computes on the default device's own GPU
 * device, if that is a WebGPU one: images then go in and come out as GPU buffers, and once that device is closed the model
 * is of no more use. Models on webgpu run one after the other.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { OnnxDenoiser } from "@deepinv/distributed";
 *
 * // With a model of your own: const denoiser = await OnnxDenoiser.create({ model: "denoiser.onnx" });
 * // and then, as every denoiser: await denoiser.forward(x, 0.05);
 * await assert.rejects(
 *   OnnxDenoiser.create({ model: "no-such-folder/denoiser.onnx" }),
 *   /^FileError: Cannot read no-such-folder\/denoiser\.onnx: no such file or folder/,
 * );
 * ```
 */
export class OnnxDenoiser extends Denoiser implements AsyncDisposable {
  /** Height and width of the only images that the model takes; undefined when it takes any. */
  readonly fixedSize: readonly [number, number] | undefined;
  /** Where the model runs. */
  readonly backend: OnnxBackend;
  /** Whether it runs on the GPU device of the default device, as of when it was opened. */
  readonly sharesDevice: boolean;
  readonly #runtime: OnnxRuntime;
  readonly #session: OnnxSession;
  readonly #plan: OnnxPlan;
  readonly #overlap: readonly [number, number];
  readonly #exchange: OnnxExchange;

  private constructor(
    runtime: OnnxRuntime,
    session: OnnxSession,
    plan: OnnxPlan,
    backend: OnnxBackend,
    shared: Device | undefined,
    options: OnnxDenoiserOptions,
  ) {
    super();
    this.sharesDevice = shared !== undefined;
    this.#exchange = new OnnxExchange(runtime, shared);
    this.#runtime = runtime;
    this.#session = session;
    this.#plan = plan;
    this.backend = backend;
    this.fixedSize = plan.size ?? options.inputSize;
    const [height, width] = this.fixedSize ?? [1, 1];
    this.#overlap = [height, width].map((side) =>
      Math.min(side - 1, options.overlap ?? Math.floor(side / 4))
    ) as [number, number];
  }

  /**
   * Opens a model.
   *
   * @throws {InvalidArgumentError} when an option is not among those listed, or the model's inputs are not an image and
   * perhaps a noise level
   * @throws {FileError} when its file cannot be read, or has another hash
   * @throws {OnnxRuntimeError} when onnxruntime cannot be loaded (with what to do) or does not take the model
   */
  static async create(options: OnnxDenoiserOptions): Promise<OnnxDenoiser> {
    checkOptions(options);
    const { model, noiseLevel = "auto", threads = rankShare().threads } = options;
    const { bytes, name } = await readModel(model);
    const backend = chooseBackend(options.backend ?? "auto");
    const runtime = options.runtime ?? await loadOnnxRuntime(backend);
    const shared = chooseShared(backend, runtime, options);
    const gpu = shared && {
      executionProviders: [{ name: backend, device: shared.sharing!.device }],
      preferredOutputLocation: "gpu-buffer",
    };
    let session: OnnxSession;
    try {
      const settings = { ...gpu ?? { executionProviders: [backend] }, logSeverityLevel: 3 };
      session = await inTurn(runtime, backend, () => {
        return runtime.InferenceSession.create(bytes, { ...settings, intraOpNumThreads: threads });
      });
    } catch (cause) {
      const advice = shared ? '; on a device of its own ("shareDevice: false") it may do' : "";
      throw new OnnxRuntimeError(`open ${name}`, backend, (cause as Error).message + advice, { cause });
    }
    try {
      return new OnnxDenoiser(
        runtime,
        session,
        planInputs(session.inputMetadata, noiseLevel),
        backend,
        shared,
        options,
      );
    } catch (error) {
      await inTurn(runtime, backend, () => session.release());
      throw error;
    }
  }

  /**
   * The denoised images.
   *
   * @param x (B, C, H, W)
   * @param sigma standard deviation of the noise: a number, one value per item (B,), or, for a model that takes one, a map
   * (B, 1, H, W)
   * @returns (B, C', H, W) with the model's number of channels
   * @throws {InvalidArgumentError} for other shapes, and for a noise level that is negative or not finite
   * @throws {OnnxRuntimeError} when the model fails, gives images of another size, or its device was closed
   */
  override async forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
    if (x.shape.length !== 4 || x.numel === 0) {
      const requirement = "of shape (B, C, H, W), none of them 0";
      throw new InvalidArgumentError("denoise with an ONNX model", "x", requirement, formatShape(x.shape));
    }
    this.#requireOpen();
    const noise = this.#noiseFor(x);
    const needed = this.#plan.channels;
    const given = x.shape[1] + (noise === "channel" ? 1 : 0);
    if (needed !== undefined && needed !== given) {
      const requirement = `of ${needed} channels${noise === "channel" ? ", one of them the noise map" : ""}`;
      throw new InvalidArgumentError("denoise with an ONNX model", "x", requirement, formatShape(x.shape));
    }
    const levels = noise === "scalar" ? await levelsOf(x, sigma) : [];
    using map = noise === "channel" || noise === "map" ? noiseMap(x, sigma) : undefined;
    using input = map ? Tensor.cat([x, map], 1) : x.clone();
    const run = (tile: Tensor) => this.#runItems(tile, levels);
    if (!this.fixedSize) return await run(input);
    return await applyOnFixedSize(input, this.fixedSize, this.#overlap, run);
  }

  /** Frees the model. */
  async dispose(): Promise<void> {
    await inTurn(this.#runtime, this.backend, () => this.#session.release());
  }

  /** Same as {@link dispose}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** @throws {OnnxRuntimeError} when the device that the model shares was closed */
  #requireOpen(cause?: unknown): void {
    const { closed } = this.#exchange;
    if (!closed) return;
    const reason = `it runs on ${closed.name}, which was closed; open the model again on another device`;
    throw new OnnxRuntimeError("run the model", this.backend, reason, { cause });
  }

  #noiseFor(x: Tensor): "none" | "channel" | "scalar" | "map" {
    const { noise: { kind }, channels } = this.#plan;
    if (kind !== "auto") return kind;
    return channels === x.shape[1] + 1 ? "channel" : "none";
  }

  /** Items in the groups that the model takes together; the map is the last channel. */
  async #runItems(input: Tensor, levels: readonly number[]): Promise<Tensor> {
    const { noise, batch } = this.#plan;
    const [items] = input.shape;
    const single = noise.kind === "scalar" && scalarDims(noise.input, 2).every((extent) => extent === 1);
    const together = batch ?? (single && new Set(levels).size > 1 ? 1 : items);
    const results: Tensor[] = [];
    try {
      for (let first = 0; first < items; first += together) {
        const count = Math.min(together, items - first);
        using group = input.slice([[first, first + count]]);
        using filled = repeatedLast(group, together);
        const result = await this.#runGroup(filled, levels.slice(first, first + count));
        results.push(result.slice([[0, count]]));
        result.dispose();
      }
      return Tensor.cat(results, 0);
    } finally {
      results.forEach((result) => result.dispose());
    }
  }

  async #runGroup(input: Tensor, levels: readonly number[]): Promise<Tensor> {
    const { image, noise } = this.#plan;
    const [batch, channels] = input.shape;
    if (noise.kind === "map") {
      using pixels = input.slice([null, [0, channels - 1]]);
      using map = input.slice([null, [channels - 1, channels]]);
      return await this.#infer(input, {
        [image.name]: await this.#exchange.feed(pixels),
        [noise.input.name]: await this.#exchange.feed(map),
      });
    }
    const feeds = { [image.name]: await this.#exchange.feed(input) };
    if (noise.kind === "scalar") {
      const dims = scalarDims(noise.input, batch);
      const length = dims.reduce((product, extent) => product * extent, 1);
      const values = Float32Array.from({ length }, (_, i) => levels[Math.min(i, levels.length - 1)]);
      feeds[noise.input.name] = new this.#runtime.Tensor("float32", values, dims);
    }
    return await this.#infer(input, feeds);
  }

  async #infer(input: Tensor, feeds: Record<string, OnnxTensor>): Promise<Tensor> {
    return await inTurn(this.#runtime, this.backend, () => this.#inferNow(input, feeds));
  }

  async #inferNow(input: Tensor, feeds: Record<string, OnnxTensor>): Promise<Tensor> {
    const [batch, , height, width] = input.shape;
    let outputs: Record<string, OnnxTensor>;
    try {
      outputs = await this.#session.run(feeds);
    } catch (cause) {
      this.#requireOpen(cause);
      throw new OnnxRuntimeError("run the model", this.backend, (cause as Error).message, { cause });
    }
    const [name] = Object.keys(outputs);
    const output = outputs[this.#session.outputMetadata[0]?.name ?? name];
    const { dims } = output;
    try {
      if (dims.length !== 4 || dims[0] !== batch || dims[2] !== height || dims[3] !== width) {
        const reason = `it gives ${formatShape(dims)} for ${
          formatShape(input.shape)
        }, not as many images of this size`;
        throw new OnnxRuntimeError("use the model's output", this.backend, reason);
      }
      return await this.#exchange.take(output, input.device);
    } finally {
      Object.values(outputs).forEach((tensor) => tensor.dispose?.());
    }
  }
}

/** One noise level per item. */
async function levelsOf(x: Tensor, sigma: number | Tensor): Promise<number[]> {
  const values = sigma instanceof Tensor ? [...await sigma.data()] : [sigma];
  const wrong = values.find((value) => !(value >= 0 && value < Infinity));
  if (wrong !== undefined || (values.length !== 1 && values.length !== x.shape[0])) {
    const requirement = `a finite number >= 0, or one value per item (${x.shape[0]},)`;
    const got = wrong === undefined ? formatShape((sigma as Tensor).shape) : String(wrong);
    throw new InvalidArgumentError("denoise with an ONNX model", "sigma", requirement, got);
  }
  return values.length === 1 ? Array(x.shape[0]).fill(values[0]) : values;
}

/** A group of `count` items, the last one repeated where there are fewer. */
function repeatedLast(group: Tensor, count: number): Tensor {
  const [items, ...image] = group.shape;
  if (items === count) return group.clone();
  using last = group.slice([[items - 1, items]]);
  using copies = last.expand([count - items, ...image]);
  return Tensor.cat([group, copies], 0);
}
