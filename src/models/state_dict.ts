import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** One parameter of a network, in host memory. */
export interface HostParameter {
  /** Extents, outermost first. */
  readonly shape: readonly number[];
  /** Row-major values. */
  readonly data: Float32Array;
}

/** A network's parameters by deepinv's key names, as tensors or in host memory. */
export type StateDict = ReadonlyMap<string, Tensor | HostParameter>;

/** The shape that a network expects under each key, in deepinv's key order. */
export type ParameterShapes = ReadonlyMap<string, readonly number[]>;

/**
 * Copies a state dict to the host, checked key by key against what the network expects.
 *
 * @param network the network's name, for messages
 * @throws {InvalidArgumentError} naming the missing, unknown or misshapen keys
 */
export async function readStateDict(
  network: string,
  state: StateDict,
  expected: ParameterShapes,
): Promise<Map<string, HostParameter>> {
  const action = `load weights into ${network}`;
  const missing = [...expected.keys()].filter((key) => !state.has(key));
  const unknown = [...state.keys()].filter((key) => !expected.has(key));
  if (missing.length > 0 || unknown.length > 0) {
    throw new InvalidArgumentError(
      action,
      "the keys",
      "exactly the network's",
      [
        missing.length ? `missing ${summary(missing)}` : "",
        unknown.length ? `unknown ${summary(unknown)}` : "",
      ]
        .filter(Boolean).join("; "),
    );
  }
  const host = new Map<string, HostParameter>();
  for (const [key, shape] of expected) {
    const parameter = state.get(key)!;
    if (formatShape(parameter.shape) !== formatShape(shape)) {
      throw new InvalidArgumentError(
        action,
        `"${key}"`,
        `of shape ${formatShape(shape)}`,
        formatShape(parameter.shape),
      );
    }
    const data = parameter instanceof Tensor ? await parameter.data() : new Float32Array(parameter.data);
    host.set(key, { shape: [...shape], data });
  }
  return host;
}

function summary(keys: readonly string[]): string {
  const shown = keys.slice(0, 4).join(", ");
  return keys.length > 4 ? `${shown} and ${keys.length - 4} more` : shown;
}
