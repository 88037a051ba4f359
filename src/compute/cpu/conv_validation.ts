import { formatShape, InvalidArgumentError } from "../../util/errors.ts";
import type { ConvSpec, FeatureMap } from "../conv_engine.ts";

const TAPS: Record<ConvSpec["op"], number> = { conv3x3: 9, down2x2: 4, up2x2: 4 };
const SCALE: Record<ConvSpec["op"], number> = { conv3x3: 1, down2x2: 0.5, up2x2: 2 };

/**
 * Checks what a layer is prepared from.
 *
 * @throws {InvalidArgumentError} when spec, weights and bias do not fit together
 */
export function validateSpec(spec: ConvSpec, weights: Float32Array, bias: Float32Array | undefined): void {
  const action = `prepare ${spec.op}`;
  if (!Object.hasOwn(TAPS, spec.op)) {
    throw new InvalidArgumentError("prepare a layer", "op", "conv3x3, down2x2 or up2x2", String(spec.op));
  }
  requireCount(action, "inChannels", spec.inChannels);
  requireCount(action, "outChannels", spec.outChannels);
  if (![0, 1, 2].includes(spec.addends)) {
    throw new InvalidArgumentError(action, "addends", "0, 1 or 2", String(spec.addends));
  }
  if (spec.activation !== "none" && spec.activation !== "relu") {
    throw new InvalidArgumentError(action, "activation", "none or relu", String(spec.activation));
  }
  const count = spec.inChannels * spec.outChannels * TAPS[spec.op];
  if (weights.length !== count) {
    throw new InvalidArgumentError(action, "weights", `${count} values`, `${weights.length} values`);
  }
  const biasCount = spec.bias ? spec.outChannels : 0;
  if ((bias?.length ?? 0) !== biasCount) {
    throw new InvalidArgumentError(action, "bias", `${biasCount} values`, `${bias?.length ?? 0} values`);
  }
}

/**
 * Checks what a layer is applied to.
 *
 * @throws {InvalidArgumentError} when a map's shape does not fit the layer
 */
export function validateTask(
  spec: ConvSpec,
  input: FeatureMap,
  output: FeatureMap,
  addends: readonly FeatureMap[],
): void {
  const action = `apply ${spec.op}`;
  if (input.channels !== spec.inChannels) {
    throw new InvalidArgumentError(action, "input", `of ${spec.inChannels} channels`, mapShape(input));
  }
  if (spec.op === "down2x2" && (input.height % 2 !== 0 || input.width % 2 !== 0)) {
    throw new InvalidArgumentError(action, "input", "of even height and width", mapShape(input));
  }
  const scale = SCALE[spec.op];
  const expected = formatShape([spec.outChannels, input.height * scale, input.width * scale]);
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
