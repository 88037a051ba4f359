import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import type { ConvActivation, ConvSpec, FeatureMap } from "./conv_engine.ts";
import { type ConvGeometry, geometryOf, outputSize } from "./conv_geometry.ts";

/** The activations that have a parameter, with its default. */
const ALPHA: Readonly<Partial<Record<ConvActivation, number>>> = { leaky_relu: 0.01, elu: 1 };
const ACTIVATIONS: readonly ConvActivation[] = ["none", "relu", "leaky_relu", "elu", "sigmoid", "tanh"];

/** What becomes of a layer's sum, defaults filled in. */
export interface Activation {
  readonly kind: ConvActivation;
  /** Of `leaky_relu` and `elu`; 0 else. */
  readonly alpha: number;
  /** Whether the addends come before it. */
  readonly last: boolean;
}

/** A spec's activation. */
export function activationOf({ activation, alpha, activationLast, addends }: ConvSpec): Activation {
  const fallback = ALPHA[activation];
  return {
    kind: activation,
    alpha: fallback === undefined ? 0 : alpha ?? fallback,
    last: activation !== "none" && addends > 0 && activationLast === true,
  };
}

/** @throws {InvalidArgumentError} when there is no such activation, or its parameter is no number */
export function requireActivation(
  action: string,
  { activation, alpha }: Pick<ConvSpec, "activation" | "alpha">,
): void {
  if (!ACTIVATIONS.includes(activation)) {
    throw new InvalidArgumentError(action, "activation", ACTIVATIONS.join(", "), String(activation));
  }
  if (alpha !== undefined && !Number.isFinite(alpha)) {
    throw new InvalidArgumentError(action, "alpha", "finite", String(alpha));
  }
}

/**
 * Checks what a layer is prepared from.
 *
 * @returns its geometry
 * @throws {InvalidArgumentError} when spec, weights and bias do not fit together
 */
export function validateSpec(
  spec: ConvSpec,
  weights: Float32Array,
  bias: Float32Array | undefined,
): ConvGeometry {
  const action = "prepare a layer";
  const geometry = geometryOf(spec);
  requireCount(action, "inChannels", spec.inChannels);
  requireCount(action, "outChannels", spec.outChannels);
  if (![0, 1, 2].includes(spec.addends)) {
    throw new InvalidArgumentError(action, "addends", "0, 1 or 2", String(spec.addends));
  }
  requireActivation(action, spec);
  const count = spec.inChannels * spec.outChannels * geometry.kernel[0] * geometry.kernel[1];
  if (weights.length !== count) {
    throw new InvalidArgumentError(action, "weights", `${count} values`, `${weights.length} values`);
  }
  const biasCount = spec.bias ? spec.outChannels : 0;
  if ((bias?.length ?? 0) !== biasCount) {
    throw new InvalidArgumentError(action, "bias", `${biasCount} values`, `${bias?.length ?? 0} values`);
  }
  return geometry;
}

/**
 * Checks what a layer is applied to.
 *
 * @throws {InvalidArgumentError} when a map's shape does not fit the layer
 */
export function validateTask(
  spec: ConvSpec,
  geometry: ConvGeometry,
  input: FeatureMap,
  output: FeatureMap,
  addends: readonly FeatureMap[],
): void {
  const action = "apply a layer";
  if (input.channels !== spec.inChannels) {
    throw new InvalidArgumentError(action, "input", `of ${spec.inChannels} channels`, mapShape(input));
  }
  const [height, width] = outputSize(geometry, input.height, input.width);
  if (height < 1 || width < 1) {
    const requirement = "large enough for the kernel";
    throw new InvalidArgumentError(action, "input", requirement, mapShape(input));
  }
  const expected = formatShape([spec.outChannels, height, width]);
  if (mapShape(output) !== expected) {
    throw new InvalidArgumentError(action, "output", `of shape ${expected}`, mapShape(output));
  }
  if (output === input) {
    throw new InvalidArgumentError(action, "output", "another map than input", "the same");
  }
  if (addends.length !== spec.addends) {
    throw new InvalidArgumentError(action, "addends", `${spec.addends} feature maps`, String(addends.length));
  }
  for (const addend of addends) {
    if (mapShape(addend) !== expected) {
      throw new InvalidArgumentError(action, "addends", `of shape ${expected}`, mapShape(addend));
    }
  }
}

/** A feature map's shape, for messages. */
export function mapShape(map: FeatureMap): string {
  return formatShape([map.channels, map.height, map.width]);
}

/** @throws {InvalidArgumentError} when `value` is not a whole number >= 1 */
export function requireCount(action: string, argument: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError(action, argument, "a whole number >= 1", String(value));
  }
}
