import { PickleError } from "./pickle_machine.ts";
import { TorchView } from "./torch_tensors.ts";

/** Names under which training programs keep the network's state dict, the most telling first. */
const CONTAINERS = [
  "state_dict",
  "model_state_dict",
  "params_ema",
  "params",
  "model_ema",
  "model",
  "network",
  "net",
  "generator",
] as const;

/** What `torch.nn.DataParallel` puts before every key. */
const PARALLEL = "module.";

/**
 * The tensors of a network in what a checkpoint holds: those of the dict itself, or of the dict inside it that a usual
 * name or being the only one points out. Numbers and text beside them are passed over.
 *
 * @throws {PickleError} when there is none
 */
export function findStateDict(root: unknown): Map<string, TorchView> {
  let current = root;
  const trail = new Set<unknown>();
  while (current instanceof Map && !trail.has(current)) {
    trail.add(current);
    const inner = innerDict(current);
    if (!inner) break;
    current = inner;
  }
  const tensors = tensorsOf(current);
  if (tensors.size === 0 && !(current instanceof Map && current.size === 0)) {
    throw new PickleError(`it holds ${describe(root)}, and no dict of tensors`);
  }
  const keys = [...tensors.keys()];
  if (keys.length === 0 || !keys.every((key) => key.startsWith(PARALLEL))) return tensors;
  return new Map([...tensors].map(([key, tensor]) => [key.slice(PARALLEL.length), tensor]));
}

/** The dict in a dict that holds the tensors, if not this one does. */
function innerDict(dict: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> | undefined {
  const named = CONTAINERS.map((name) => dict.get(name)).find((value) =>
    value instanceof Map && value.size > 0
  );
  if (named) return named as Map<unknown, unknown>;
  if (tensorsOf(dict).size > 0) return undefined;
  const dicts = [...dict.values()].filter((value) => value instanceof Map && tensorsOf(value).size > 0);
  return dicts.length === 1 ? dicts[0] as Map<unknown, unknown> : undefined;
}

function tensorsOf(value: unknown): Map<string, TorchView> {
  if (!(value instanceof Map)) return new Map();
  const tensors = new Map<string, TorchView>();
  for (const [key, tensor] of value) {
    if (tensor instanceof TorchView && (typeof key === "string" || typeof key === "number")) {
      tensors.set(String(key), tensor);
    }
  }
  return tensors;
}

function describe(value: unknown): string {
  if (value instanceof TorchView) return "one tensor";
  if (value instanceof Map) return `a dict of ${[...value.keys()].slice(0, 5).map(String).join(", ")}`;
  return Array.isArray(value) ? "a list" : typeof value;
}
