import type { Device } from "../compute/device.ts";
import { currentDevice, defaultDevice } from "../compute/open.ts";
import { locationName } from "../io/files.ts";
import { type FetchedFile, readFetched } from "../io/fetched_file.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { OnnxNoiseLevel } from "./onnx_plan.ts";
import type { OnnxBackend, OnnxRuntime } from "./onnx_runtime.ts";

/** Options of `OnnxDenoiser.create`. */
export interface OnnxDenoiserOptions {
  /** The model: a path, a URL (fetched once and kept), one with its SHA-256, or its bytes. */
  model: string | URL | FetchedFile | Uint8Array;
  /**
   * How it takes the noise level: `"scalar"`, one value per item in an input of its own; `"map"` (B, 1, H, W), in an input
   * of its own or as a last channel of the image; `"none"`. The default, `"auto"`, tells by the model's inputs: a second
   * one by its rank, an image with one channel more than x as a map.
   */
  noiseLevel?: OnnxNoiseLevel;
  /**
   * `"cpu"`: onnxruntime-node; `"webgpu"`: onnxruntime-web; the default, `"auto"`: webgpu where the default device is a
   * hardware WebGPU adapter, else cpu.
   */
  backend?: OnnxBackend | "auto";
  /** Height and width that the model takes, where its file does not say that they are fixed. */
  inputSize?: readonly [number, number];
  /** Least overlap, in pixels, of the tiles that larger images than a fixed size are cut into; default a quarter of it. */
  overlap?: number;
  /**
   * Whether a model on webgpu runs on the default device's own GPU device where that is a WebGPU one, so that images stay
   * on the GPU; default true. Otherwise onnxruntime opens a device of its own, and values pass through host memory.
   */
  shareDevice?: boolean;
  /** Threads of the cpu backend; default this rank's share of the cores. */
  threads?: number;
  /** The onnxruntime module itself, in place of the pinned version that is loaded from npm. */
  runtime?: OnnxRuntime;
}

/** @throws {InvalidArgumentError} for options that are not among those listed */
export function checkOptions(
  { inputSize, overlap, threads, noiseLevel, backend, shareDevice }: OnnxDenoiserOptions,
): void {
  const action = "open an ONNX model";
  const isCount = (value: number, least: number) => Number.isInteger(value) && value >= least;
  const check = (name: string, ok: boolean, requirement: string, got: unknown) => {
    if (!ok) throw new InvalidArgumentError(action, name, requirement, String(got));
  };
  const sides = inputSize === undefined ||
    (inputSize.length === 2 && inputSize.every((side) => isCount(side, 1)));
  check("inputSize", sides, "two whole numbers >= 1", inputSize);
  check("overlap", overlap === undefined || isCount(overlap, 0), "a whole number >= 0", overlap);
  check("threads", threads === undefined || isCount(threads, 1), "a whole number >= 1", threads);
  check("shareDevice", [true, false, undefined].includes(shareDevice), "true or false", shareDevice);
  const levels = ["scalar", "map", "none", "auto", undefined],
    backends = ["cpu", "webgpu", "auto", undefined];
  check("noiseLevel", levels.includes(noiseLevel), '"scalar", "map", "none" or "auto"', noiseLevel);
  check("backend", backends.includes(backend), '"cpu", "webgpu" or "auto"', backend);
}

/** The backend that is meant: `auto` goes by the default device. */
export function chooseBackend(choice: OnnxBackend | "auto"): OnnxBackend {
  if (choice !== "auto") return choice;
  const device = defaultDevice();
  return device.kind === "webgpu" && !device.isSoftwareAdapter ? "webgpu" : "cpu";
}

/** The device that the model runs on too, if it can share the default one and may. */
export function chooseShared(
  backend: OnnxBackend,
  runtime: OnnxRuntime,
  { shareDevice = true }: OnnxDenoiserOptions,
): Device | undefined {
  const device = currentDevice();
  const can = backend === "webgpu" && runtime.Tensor.fromGpuBuffer && device?.sharing;
  return shareDevice && can ? device : undefined;
}

/** The model's bytes, and what to call it. */
export async function readModel(
  model: OnnxDenoiserOptions["model"],
): Promise<{ bytes: Uint8Array; name: string }> {
  if (model instanceof Uint8Array) return { bytes: model, name: "the model" };
  const file = typeof model === "string" || model instanceof URL ? { url: model } : model;
  return { bytes: await readFetched(file), name: locationName(file.url) };
}
