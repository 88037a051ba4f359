/**
 * How the ranks of a job trust each other.
 *
 * - Meeting at a loopback address: each connection proves that it knows the job's secret.
 * - Meeting anywhere else: besides, everything is encrypted with keys that follow from the job key (DEEPINV_JOB_KEY).
 *   Without a job key this is refused, unless DEEPINV_INSECURE is 1.
 *
 * The secret is made of the job key and the token of this start. If there is no key and the token is no secret, ranks on
 * one host use a secret that their user alone can read.
 */

import { isSecretToken } from "../cluster/job_token.ts";
import type { Environment, ProcessInfo } from "../cluster/process_info.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import { readUserSecret } from "./user_secret.ts";

/** Holds the job key, 64 hexadecimal digits, the same on all hosts. */
const JOB_KEY_VARIABLE = "DEEPINV_JOB_KEY";
/** Is 1 where ranks may do without a key. */
const INSECURE_VARIABLE = "DEEPINV_INSECURE";

/** What a rank needs to know. */
export interface JobSecurity {
  /** What a connecting rank must prove to know. */
  readonly secret: string;
  /** The bytes from which the keys of encrypted connections follow; unset for connections in the clear. */
  readonly encryptionKey: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Decides for one rank of a job.
 *
 * @param process who this is, with the token of this start
 * @param address the numeric address at which rank 0 listens
 * @param env environment variables
 * @throws InvalidArgumentError if there would be no protection, or the key is malformed
 */
export async function decideSecurity(
  process: ProcessInfo,
  address: string,
  env: Environment,
): Promise<JobSecurity> {
  const key = readKey(env);
  const insecure = env[INSECURE_VARIABLE] === "1";
  const local = isLoopback(address);
  if (key !== undefined) {
    const secret = `${key} ${process.jobToken}`;
    return { secret, encryptionKey: local ? undefined : Uint8Array.fromHex(key) };
  }
  if (!local && !insecure) {
    const requirement =
      "set to one key on all hosts where ranks meet over a network (`deepinv-run keygen` prints " +
      `one; ${INSECURE_VARIABLE}=1 does without)`;
    throw new InvalidArgumentError("connect", JOB_KEY_VARIABLE, requirement, "nothing");
  }
  if (insecure || isSecretToken(process.jobToken)) {
    return { secret: process.jobToken, encryptionKey: undefined };
  }
  return { secret: `${await readUserSecret(env)} ${process.jobToken}`, encryptionKey: undefined };
}

/** Whether a numeric address belongs to this host alone. */
export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function readKey(env: Environment): string | undefined {
  const key = env[JOB_KEY_VARIABLE];
  if (key === undefined || key === "") return undefined;
  if (/^[0-9a-fA-F]{64}$/.test(key)) return key.toLowerCase();
  const requirement = "64 hexadecimal digits, as `deepinv-run keygen` prints";
  throw new InvalidArgumentError("connect", JOB_KEY_VARIABLE, requirement, `${key.length} characters`);
}
