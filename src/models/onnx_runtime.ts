/** What is used of onnxruntime's JavaScript API, and how it is loaded: at the first use, in a pinned version. */

/** A model's input or output. */
export interface OnnxValueMetadata {
  /** Its name in the model. */
  readonly name: string;
  /** Its element type, `"float32"` for example. */
  readonly type?: string;
  /** Its extents; text for those that the model leaves open. */
  readonly shape?: readonly (number | string)[];
}

/** A tensor of onnxruntime. */
export interface OnnxTensor {
  /** Row-major values, where they are in host memory. */
  readonly data: ArrayLike<number>;
  /** Extents. */
  readonly dims: readonly number[];
  /** Element type. */
  readonly type?: string;
  /** `"gpu-buffer"` where the values are on a GPU. */
  readonly location?: string;
  /** Where they are there. */
  readonly gpuBuffer?: GPUBuffer;
  /** The values, wherever they are. */
  getData?(): Promise<ArrayLike<number>>;
  /** Frees it. */
  dispose?(): void;
}

/** Makes tensors of onnxruntime. */
export interface OnnxTensorConstructor {
  /** Of values in host memory. */
  new (type: "float32", data: Float32Array, dims: readonly number[]): OnnxTensor;
  /** Of values on a GPU, in `onnxruntime-web`. */
  fromGpuBuffer?(
    buffer: GPUBuffer,
    options: { dataType: "float32"; dims: readonly number[] },
  ): OnnxTensor;
}

/** A loaded model. */
export interface OnnxSession {
  /** The model's inputs. */
  readonly inputMetadata: readonly OnnxValueMetadata[];
  /** The model's outputs. */
  readonly outputMetadata: readonly OnnxValueMetadata[];
  /** Runs the model on inputs by name. */
  run(feeds: Record<string, OnnxTensor>): Promise<Record<string, OnnxTensor>>;
  /** Frees the model. */
  release(): Promise<void>;
}

/** The package: `onnxruntime-node`, `onnxruntime-web`, or a stand-in. */
export interface OnnxRuntime {
  /** Tensors. */
  readonly Tensor: OnnxTensorConstructor;
  /** Models. */
  readonly InferenceSession: {
    create(model: Uint8Array, options: Record<string, unknown>): Promise<OnnxSession>;
  };
  /** Settings of `onnxruntime-web`. */
  readonly env?: { readonly wasm?: { numThreads?: number }; logLevel?: string };
}

/** Where a model runs: in `onnxruntime-node` on the CPU, or in `onnxruntime-web` on WebGPU. */
export type OnnxBackend = "cpu" | "webgpu";

/** No dependencies of this package: Deno fetches one when the first model is opened. */
const PACKAGES: Readonly<Record<OnnxBackend, string>> = {
  cpu: "npm:onnxruntime-node@1.30.0",
  webgpu: "npm:onnxruntime-web@1.30.0/webgpu",
};

/**
 * onnxruntime cannot be loaded, or cannot run a model.
 *
 * @example A classical denoiser where onnxruntime is not installed
 * ```ts
 * import assert from "node:assert/strict";
 * import { type Denoiser, MedianFilter, OnnxRuntimeError } from "@deepinv/distributed/models";
 *
 * async function orMedian(open: () => Promise<Denoiser>): Promise<Denoiser> {
 *   try {
 *     return await open(); // for example () => OnnxDenoiser.create({ model: "net.onnx" })
 *   } catch (error) {
 *     if (!(error instanceof OnnxRuntimeError)) throw error;
 *     console.warn(error.message); // what could not be done, on which backend, why, and what to do
 *     return new MedianFilter({ kernelSize: 3 });
 *   }
 * }
 *
 * const advice = 'it is fetched when first used: run "deno cache npm:onnxruntime-node"';
 * const missing = new OnnxRuntimeError("load onnxruntime-node", "cpu", advice);
 * assert(await orMedian(() => Promise.reject(missing)) instanceof MedianFilter);
 * ```
 */
export class OnnxRuntimeError extends Error {
  /** `"OnnxRuntimeError"`. */
  override readonly name = "OnnxRuntimeError";

  /**
   * Says what could not be done.
   *
   * @param action what was being done, for example `"open the model net.onnx"`
   * @param backend where
   * @param reason what onnxruntime or Deno said, and what to do
   */
  constructor(
    readonly action: string,
    readonly backend: OnnxBackend,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`Cannot ${action} (${backend}): ${reason}`, options);
  }
}

/**
 * Loads the package of a backend.
 *
 * @throws {OnnxRuntimeError} with what to do, when it cannot be fetched or started
 */
export async function loadOnnxRuntime(backend: OnnxBackend): Promise<OnnxRuntime> {
  const specifier = PACKAGES[backend];
  try {
    const runtime: OnnxRuntime = await import(specifier);
    if (backend === "webgpu" && runtime.env?.wasm) {
      runtime.env.wasm.numThreads = 1;
      runtime.env.logLevel = "error";
    }
    return runtime;
  } catch (cause) {
    const advice =
      `it is fetched when first used: run "deno cache ${specifier}" where the npm registry can be reached` +
      `, or "deno add ${specifier}" in your project, and run with -A, or pass the module as "runtime"`;
    const reason = `${(cause as Error).message.split("\n")[0]}; ${advice}`;
    throw new OnnxRuntimeError(`load ${specifier.slice("npm:".length)}`, backend, reason, { cause });
  }
}
