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

/** What PyTorch's batch norm counts while it trains; older checkpoints lack it and no forward pass reads it. */
const OPTIONAL = /(^|\.)num_batches_tracked$/;

/** How many keys an error lists of each kind. */
const MOST_LISTED = 8;

/**
 * Copies a state dict to the host, checked key by key against what the network expects.
 *
 * @param network the network's name, for messages
 * @throws {InvalidArgumentError} naming the missing, unexpected and misshapen keys, all in one
 */
export async function readStateDict(
  network: string,
  state: StateDict,
  expected: ParameterShapes,
): Promise<Map<string, HostParameter>> {
  const action = `load weights into ${network}`;
  const missing = [...expected.keys()].filter((key) => !state.has(key) && !OPTIONAL.test(key));
  const unexpected = [...state.keys()].filter((key) => !expected.has(key));
  const misshapen = [...expected].filter(([key, shape]) =>
    state.has(key) && formatShape(state.get(key)!.shape) !== formatShape(shape)
  ).map(([key, shape]) => ({ key, shape: formatShape(shape), got: formatShape(state.get(key)!.shape) }));
  if (missing.length > 0 || unexpected.length > 0) {
    const parts = [
      ["missing", missing],
      ["unexpected", unexpected],
      ["misshapen", misshapen.map(({ key, shape, got }) => `${key} ${got} for ${shape}`)],
    ] as const;
    const got = parts.filter(([, keys]) => keys.length > 0).map(([what, keys]) => `${what} ${summary(keys)}`);
    throw new InvalidArgumentError(action, "the keys", "exactly the network's", got.join("; "));
  }
  if (misshapen.length > 0) {
    const [{ key, shape, got }, ...others] = misshapen;
    const more = others.map((other) => `"${other.key}" ${other.got} for ${other.shape}`);
    const tail = more.length > 0 ? `; also ${summary(more)}` : "";
    throw new InvalidArgumentError(action, `"${key}"`, `of shape ${shape}`, `${got}${tail}`);
  }
  const host = new Map<string, HostParameter>();
  for (const [key, shape] of expected) {
    const parameter = state.get(key);
    const data = parameter instanceof Tensor
      ? await parameter.data()
      : parameter
      ? new Float32Array(parameter.data)
      : new Float32Array(1);
    host.set(key, { shape: [...shape], data });
  }
  return host;
}

function summary(keys: readonly string[]): string {
  const shown = keys.slice(0, MOST_LISTED).join(", ");
  return keys.length > MOST_LISTED ? `${shown} and ${keys.length - MOST_LISTED} more` : shown;
}
