import { InvalidArgumentError } from "../util/errors.ts";

/** What a process may use of its host, where several ranks share it: the cpu device and software adapters. */
export interface RankShare {
  /** Threads of the cpu device. */
  readonly threads: number;
  /** Bytes of the host's memory. */
  readonly memoryBudget: number;
}

/**
 * This process's share: cores / ranks threads, at least one, or as many as DEEPINV_THREADS says; and 80 % of the memory
 * / ranks, or as many bytes as DEEPINV_MEMORY_BUDGET says.
 *
 * @param localWorldSize ranks on this host; by default LOCAL_WORLD_SIZE, else 1
 * @throws {InvalidArgumentError} when a variable is no whole number >= 1
 */
export function rankShare(localWorldSize: number = wholeNumber("LOCAL_WORLD_SIZE") ?? 1): RankShare {
  const cores = navigator.hardwareConcurrency || 1;
  return {
    threads: wholeNumber("DEEPINV_THREADS") ?? Math.max(1, Math.floor(cores / localWorldSize)),
    memoryBudget: memoryBudgetOfUser() ??
      Math.floor(Deno.systemMemoryInfo().total * 0.8 / localWorldSize),
  };
}

/**
 * DEEPINV_MEMORY_BUDGET in bytes.
 *
 * @throws {InvalidArgumentError} when it is no whole number >= 1
 */
export function memoryBudgetOfUser(): number | undefined {
  return wholeNumber("DEEPINV_MEMORY_BUDGET", "a number of bytes > 0");
}

function wholeNumber(variable: string, requirement = "a whole number >= 1"): number | undefined {
  const text = Deno.env.get(variable);
  if (!text) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("open a device", variable, requirement, `"${text}"`);
}
