/**
 * What tells the ranks of one start of a job from all others when they connect.
 *
 * This project's launcher hands out a secret. Under other launchers it is the name of the job and its step, which everybody
 * can know: ranks of other jobs and steps are refused by it, but it protects from nobody. Protection comes from
 * DEEPINV_JOB_KEY, which is mixed in where ranks connect.
 */
import { isSet, JOB_TOKEN_VARIABLE } from "./environment.ts";
import type { Environment } from "./process_info.ts";

const OPEN_PREFIX = "open:";

/** The token of the job `name`, which no other job or step on its hosts has: DEEPINV_JOB_TOKEN, else the name itself. */
export function jobToken(env: Environment, name: string): string {
  return isSet(env, JOB_TOKEN_VARIABLE) ? env[JOB_TOKEN_VARIABLE]! : OPEN_PREFIX + name;
}

/** Whether a token is a secret; if not, it only names the job. */
export function isSecretToken(token: string): boolean {
  return token !== "" && !token.startsWith(OPEN_PREFIX);
}
