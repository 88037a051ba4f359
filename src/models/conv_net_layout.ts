import type { ConvActivation, ConvSpec } from "../compute/conv_engine.ts";
import { geometryOf, outputSize, type Pair } from "../compute/conv_geometry.ts";
import { requireActivation } from "../compute/conv_validation.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { batchNormShapes } from "./batch_norm.ts";
import { requireCounts } from "./require_counts.ts";

/** A convolution, then its batch norm, then its activation: PyTorch's `Conv2d` or `ConvTranspose2d`, and what follows. */
export interface ConvNetConv {
  /** What it is. */
  readonly type: "conv";
  /** Channels that come out. */
  readonly outChannels: number;
  /** Taps along rows and columns, >= 1. */
  readonly kernel: Pair;
  /** Step between outputs; default 1. */
  readonly stride?: Pair;
  /** Zeros around the input, or `"same"`: as many as keep its size, for a stride of 1; default 0. */
  readonly padding?: Pair | "same";
  /** Distance of neighbouring taps; default 1. */
  readonly dilation?: Pair;
  /** Whether it is `ConvTranspose2d`; default false. */
  readonly transposed?: boolean;
  /** Transposed only: samples added below and to the right; default 0. */
  readonly outputPadding?: Pair;
  /** Whether the convolution has biases; default true. */
  readonly bias?: boolean;
  /** Whether a `BatchNorm2d` follows, with its running statistics; default false. */
  readonly batchNorm?: boolean;
  /** What follows; default `"none"`. */
  readonly activation?: ConvActivation;
  /** The slope of `"leaky_relu"` below 0, default 0.01; the scale of `"elu"`, default 1. */
  readonly alpha?: number;
  /** The key of its parameters; by default its number, counted as in `torch.nn.Sequential`. */
  readonly name?: string;
}

/** `PixelShuffle` or `PixelUnshuffle`: channels to pixels, or back. */
export interface ConvNetShuffle {
  /** What it is. */
  readonly type: "pixelShuffle" | "pixelUnshuffle";
  /** How many pixels a pixel becomes along each axis. */
  readonly factor: number;
}

/** activation(x + layers(x)); the last layer is a convolution, without an activation of its own where this has one. */
export interface ConvNetResidual {
  /** What it is. */
  readonly type: "residual";
  /** What is added to x. */
  readonly layers: readonly ConvNetLayer[];
  /** What follows the addition, a part of the block: it counts as no module of its own; default `"none"`. */
  readonly activation?: ConvActivation;
  /** The slope of `"leaky_relu"` below 0, default 0.01; the scale of `"elu"`, default 1. */
  readonly alpha?: number;
  /** The prefix of its parameters' keys; by default its number, counted as in `torch.nn.Sequential`. */
  readonly name?: string;
}

/** One step of a {@link ConvNet}. */
export type ConvNetLayer = ConvNetConv | ConvNetShuffle | ConvNetResidual;

/** A convolution as it is prepared, and the keys of its parameters. */
export interface PlannedConv {
  readonly type: "conv";
  readonly spec: Omit<ConvSpec, "bias">;
  readonly bias: boolean;
  readonly key: string;
  /** Of the batch norm behind it. */
  readonly normKey: string | undefined;
}

/** A step with its channels and keys worked out. */
export type PlannedStep =
  | PlannedConv
  | ConvNetShuffle
  | { readonly type: "residual"; readonly steps: readonly PlannedStep[] };

const TYPES: readonly ConvNetLayer["type"][] = ["conv", "pixelShuffle", "pixelUnshuffle", "residual"];

/**
 * Works out the channels and keys of layers.
 *
 * @param prefix of the keys, empty or with a dot at its end
 * @param block the residual block that they are in, whose input is added to the last one's result
 * @throws {InvalidArgumentError} when a layer is none, or does not fit the one before
 */
export function planLayers(
  layers: readonly ConvNetLayer[],
  inChannels: number,
  prefix = "",
  block?: ConvNetResidual,
): { steps: PlannedStep[]; outChannels: number } {
  const steps: PlannedStep[] = [];
  let channels = inChannels;
  let index = 0;
  if (!Array.isArray(layers) || layers.length === 0) throw refusal("layers", "at least one", "none");
  for (const [k, layer] of layers.entries()) {
    const name = `${prefix}${("name" in layer ? layer.name : undefined) ?? index}`;
    switch (layer.type) {
      case "conv": {
        const conv = planConv(
          layer,
          channels,
          name,
          prefix,
          index,
          k === layers.length - 1 ? block : undefined,
        );
        index += 1 + Number(layer.batchNorm ?? false) + Number((layer.activation ?? "none") !== "none");
        channels = layer.outChannels;
        steps.push(conv);
        break;
      }
      case "pixelShuffle":
      case "pixelUnshuffle": {
        requireCounts("ConvNet", { factor: layer.factor });
        const area = layer.factor ** 2;
        if (layer.type === "pixelShuffle" && channels % area !== 0) {
          throw refusal("factor", `one whose square divides ${channels} channels`, String(layer.factor));
        }
        channels = layer.type === "pixelShuffle" ? channels / area : channels * area;
        index++;
        steps.push({ type: layer.type, factor: layer.factor });
        break;
      }
      case "residual": {
        if (layer.layers?.at(-1)?.type !== "conv") {
          throw refusal("a residual's last layer", '"conv"', String(layer.layers?.at(-1)?.type));
        }
        const body = planLayers(layer.layers, channels, `${name}.`, layer);
        if (body.outChannels !== channels) {
          throw refusal("a residual's outChannels", `its inChannels (${channels})`, String(body.outChannels));
        }
        index++;
        steps.push({ type: "residual", steps: body.steps });
        break;
      }
      default:
        throw refusal(
          "type",
          TYPES.map((type) => `"${type}"`).join(", "),
          String((layer as ConvNetLayer)?.type),
        );
    }
  }
  if (block && steps.at(-1)!.type !== "conv") {
    throw refusal("a residual's last layer", '"conv"', steps.at(-1)!.type);
  }
  return { steps, outChannels: channels };
}

function planConv(
  layer: ConvNetConv,
  inChannels: number,
  key: string,
  prefix: string,
  index: number,
  block: ConvNetResidual | undefined,
): PlannedConv {
  const { outChannels, kernel, stride, dilation, transposed, outputPadding } = layer;
  const { bias = true, batchNorm = false } = layer;
  const activationLast = (block?.activation ?? "none") !== "none";
  if (activationLast && (layer.activation ?? "none") !== "none") {
    throw refusal(
      "the activation of a residual's last layer",
      '"none", as the block has one',
      layer.activation!,
    );
  }
  const { activation = "none", alpha } = activationLast ? block! : layer;
  requireCounts("ConvNet", { outChannels });
  const places = { kernel, stride, dilation, transposed, outputPadding };
  const sizes = {
    inChannels,
    outChannels,
    activation,
    activationLast,
    alpha,
    addends: block ? 1 : 0,
  } as const;
  const padding = layer.padding === "same" ? samePadding(layer) : layer.padding;
  const spec = { ...places, ...sizes, padding };
  geometryOf(spec);
  requireActivation("build ConvNet", spec);
  return { type: "conv", spec, bias, key, normKey: batchNorm ? `${prefix}${index + 1}` : undefined };
}

/** Zeros on every side that keep the size of an image. */
function samePadding(layer: ConvNetConv): Pair {
  const { kernel, dilation, stride, transposed } = layer;
  const geometry = geometryOf({ kernel, stride, dilation });
  const both = [0, 1].map((axis) => geometry.dilation[axis] * (geometry.kernel[axis] - 1) / 2);
  if (transposed || geometry.stride.some((step) => step > 1) || !both.every(Number.isInteger)) {
    const requirement = 'numbers unless the stride is 1 and the taps\' reach is odd ("same")';
    throw refusal("padding", requirement, `"same" for a kernel of ${kernel}`);
  }
  return [both[0], both[1]];
}

/** The keys and shapes of the parameters, in PyTorch's order, and which of them are a batch norm's gains and variances. */
export function parameterShapes(
  steps: readonly PlannedStep[],
  shapes: Map<string, readonly number[]> = new Map(),
): { shapes: Map<string, readonly number[]>; ones: Set<string> } {
  const ones = new Set<string>();
  const visit = (step: PlannedStep): void => {
    if (step.type === "residual") return step.steps.forEach(visit);
    if (step.type !== "conv") return;
    const { spec, bias, key, normKey } = step;
    const { kernel } = geometryOf(spec);
    const [first, second] = spec.transposed
      ? [spec.inChannels, spec.outChannels]
      : [spec.outChannels, spec.inChannels];
    for (const name of [key, normKey]) {
      if (name !== undefined && shapes.has(`${name}.weight`)) {
        throw refusal("name", "another for every layer", `"${name}" twice`);
      }
    }
    shapes.set(`${key}.weight`, [first, second, ...kernel]);
    if (bias) shapes.set(`${key}.bias`, [spec.outChannels]);
    if (normKey === undefined) return;
    for (const [name, shape] of batchNormShapes(spec.outChannels)) shapes.set(`${normKey}.${name}`, shape);
    ones.add(`${normKey}.weight`).add(`${normKey}.running_var`);
  };
  steps.forEach(visit);
  return { shapes, ones };
}

/**
 * The shape (C, H, W) that steps make of one.
 *
 * @throws {InvalidArgumentError} when the image is too small for a kernel, does not divide by a factor, or a residual's
 * layers change its size
 */
export function outputShape(
  steps: readonly PlannedStep[],
  shape: readonly [number, number, number],
): readonly [number, number, number] {
  return steps.reduce((from, step) => {
    const [channels, height, width] = from;
    const refuse = (requirement: string) =>
      new InvalidArgumentError(
        "denoise with ConvNet",
        "x",
        requirement,
        `${formatShape(from)} at that layer`,
      );
    switch (step.type) {
      case "conv": {
        const size = outputSize(geometryOf(step.spec), height, width);
        if (size[0] < 1 || size[1] < 1) throw refuse(`large enough for the kernel of ${step.key}`);
        return [step.spec.outChannels, ...size] as const;
      }
      case "residual": {
        const to = outputShape(step.steps, from);
        if (formatShape(to) !== formatShape(from)) throw refuse("of a size that a residual's layers keep");
        return from;
      }
      case "pixelShuffle":
        return [channels / step.factor ** 2, height * step.factor, width * step.factor] as const;
      case "pixelUnshuffle":
        if (height % step.factor !== 0 || width % step.factor !== 0) {
          throw refuse(`of sides that are multiples of ${step.factor}`);
        }
        return [channels * step.factor ** 2, height / step.factor, width / step.factor] as const;
    }
  }, shape);
}

function refusal(argument: string, requirement: string, got: string): InvalidArgumentError {
  return new InvalidArgumentError("build ConvNet", argument, requirement, got);
}
