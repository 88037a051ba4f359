import { InvalidArgumentError } from "../util/errors.ts";
import type { StateDict } from "./state_dict.ts";

/**
 * The error for a state dict that is another network's.
 *
 * @param owner the network that was to be
 * @param example some of its keys
 */
export function foreignState(owner: string, example: string, state: StateDict): InvalidArgumentError {
  const keys = [...state.keys()].slice(0, 3).join(", ") || "none";
  return new InvalidArgumentError(`load weights into ${owner}`, "the keys", `${owner}'s (${example})`, keys);
}
