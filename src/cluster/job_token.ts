/**
 * What the ranks of a job prove to each other where no launcher of ours hands out a secret.
 *
 * - With DEEPINV_JOB_KEY (32 bytes in hexadecimal, the same on all ranks): HMAC-SHA256(key, name of the job), a secret.
 * - Without: the name of the job itself. Ranks of another job or job step are refused, but it is not a secret: whoever
 *   knows the job's number can compute it.
 */
import { createHmac } from "node:crypto";
import { invalidVariable, isSet, JOB_TOKEN_VARIABLE } from "./environment.ts";
import type { Environment } from "./process_info.ts";

const JOB_KEY_VARIABLE = "DEEPINV_JOB_KEY";

/**
 * The token of the job `name`: DEEPINV_JOB_TOKEN as it is, else one that depends on the name and on DEEPINV_JOB_KEY.
 *
 * @param name what no other job and no other step on these hosts is called
 * @throws InvalidArgumentError if the key is malformed; its message does not show the key
 */
export function jobToken(env: Environment, name: string): string {
  if (isSet(env, JOB_TOKEN_VARIABLE)) return env[JOB_TOKEN_VARIABLE]!;
  if (!isSet(env, JOB_KEY_VARIABLE)) return `open:${name}`;
  const key = env[JOB_KEY_VARIABLE]!;
  if (!/^[0-9a-fA-F]{64}$/.test(key)) {
    const requirement = "64 hexadecimal digits, as `deepinv-run keygen` prints";
    throw invalidVariable(JOB_KEY_VARIABLE, requirement, `${key.length} characters`);
  }
  return createHmac("sha256", key.toLowerCase()).update(name).digest("hex");
}
