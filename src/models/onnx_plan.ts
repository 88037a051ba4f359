import { InvalidArgumentError } from "../util/errors.ts";
import type { OnnxValueMetadata } from "./onnx_runtime.ts";

/** How a model takes the noise level; `"auto"` tells by its inputs. */
export type OnnxNoiseLevel = "scalar" | "map" | "none" | "auto";

/** What a model's inputs mean. */
export interface OnnxPlan {
  /** The images' input. */
  readonly image: OnnxValueMetadata;
  /** Channels of that input, where the model fixes them. */
  readonly channels: number | undefined;
  /** Items that go in together, where the model fixes them. */
  readonly batch: number | undefined;
  /** Height and width, where the model fixes them. */
  readonly size: readonly [number, number] | undefined;
  /**
   * The noise level: not taken; a further channel of the image, decided by the channels of x when `"auto"`; or an input of
   * its own, as one value per item or as a map.
   */
  readonly noise:
    | { readonly kind: "none" | "channel" | "auto" }
    | { readonly kind: "scalar" | "map"; readonly input: OnnxValueMetadata };
}

/**
 * Reads a plan off a model's inputs.
 *
 * @throws {InvalidArgumentError} when they are not an image and perhaps a noise level, or not what `noiseLevel` says
 */
export function planInputs(inputs: readonly OnnxValueMetadata[], noiseLevel: OnnxNoiseLevel): OnnxPlan {
  const refuse = (requirement: string) => {
    const got = inputs.map(({ name, type, shape }) => `${name}: ${type} [${shape ?? "?"}]`).join(", ") ||
      "none";
    return new InvalidArgumentError("open an ONNX model", "its inputs", requirement, got);
  };
  const image = imageAmong(inputs);
  const others = inputs.filter((input) => input !== image);
  if (!image || others.length > 1 || (image.shape && image.shape.length !== 4)) {
    throw refuse("an image (B, C, H, W), and perhaps a noise level");
  }
  const wrong = inputs.find(({ type }) => type !== undefined && type !== "float32");
  if (wrong) throw refuse("of type float32");
  const [batch, channels, height, width] = (image.shape ?? []).map(fixedExtent);
  const [input] = others;
  return {
    image,
    channels,
    batch,
    size: height !== undefined && width !== undefined ? [height, width] : undefined,
    noise: input ? noiseInput(input, noiseLevel, refuse) : noiseWithout(noiseLevel, refuse),
  };
}

/** A noise level's usual names. */
const NOISE_NAME = /sigma|noise|level|map/i;

/** The input with four dimensions; of two, the one with more channels or the other's name, else the first. */
function imageAmong(inputs: readonly OnnxValueMetadata[]): OnnxValueMetadata | undefined {
  const candidates = inputs.filter(({ shape }) => shape?.length === 4);
  return candidates.find(({ shape }) => shape![1] !== 1) ??
    candidates.find(({ name }) => !NOISE_NAME.test(name)) ?? candidates[0] ?? inputs[0];
}

function noiseInput(
  input: OnnxValueMetadata,
  noiseLevel: OnnxNoiseLevel,
  refuse: (requirement: string) => InvalidArgumentError,
): OnnxPlan["noise"] {
  if (noiseLevel === "none") throw refuse(`the image alone, as noiseLevel "none" says`);
  const rank = input.shape?.length;
  if (noiseLevel === "map" && rank !== undefined && rank !== 4) {
    throw refuse("a map (B, 1, H, W) for the noise level");
  }
  if (noiseLevel !== "auto") return { kind: noiseLevel, input };
  const isMap = rank === 4 && !(input.shape![2] === 1 && input.shape![3] === 1);
  return { kind: isMap ? "map" : "scalar", input };
}

function noiseWithout(
  noiseLevel: OnnxNoiseLevel,
  refuse: (requirement: string) => InvalidArgumentError,
): OnnxPlan["noise"] {
  if (noiseLevel === "scalar") throw refuse(`an image and a noise level, as noiseLevel "scalar" says`);
  return { kind: noiseLevel === "map" ? "channel" : noiseLevel };
}

/** An extent that the model fixes. */
function fixedExtent(extent: number | string): number | undefined {
  return typeof extent === "number" && extent > 0 ? extent : undefined;
}

/** The extents of a noise level's input for `batch` items, one value each; all ones when it takes a single value. */
export function scalarDims(input: OnnxValueMetadata, batch: number): number[] {
  const shape = input.shape ?? [-1];
  return shape.map((extent, d) =>
    d === 0 && fixedExtent(extent) === undefined ? batch : Number(extent) > 0 ? Number(extent) : 1
  );
}
