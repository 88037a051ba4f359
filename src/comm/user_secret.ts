/** A secret that the processes of one user on one host share: a file that nobody else may read, made on first use. */

import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../cluster/process_info.ts";
import { InvalidArgumentError } from "../util/errors.ts";

const SECRET_BYTES = 32;

/**
 * Reads the secret of this process's user.
 *
 * @throws InvalidArgumentError if there is no place that is private to the user
 */
export async function readUserSecret(env: Environment): Promise<string> {
  const user = Deno.uid();
  if (user === null) throw refused("no job token, and no users on this system");
  const folder = join(env.XDG_RUNTIME_DIR || tmpdir(), `deepinv-${user}`);
  const path = join(folder, "secret");
  try {
    await Deno.mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw refused(`no job token, and ${error}`);
  }
  await requirePrivate(folder, user);
  try {
    return await readSecret(path, user);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const draft = join(folder, `secret-${crypto.randomUUID()}`);
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES)).toHex();
  await Deno.writeTextFile(draft, secret, { mode: 0o600, createNew: true });
  try {
    // Complete from the first moment on, and whoever comes second finds the first one's.
    await Deno.link(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(draft);
  }
  return await readSecret(path, user);
}

async function readSecret(path: string, user: number): Promise<string> {
  await requirePrivate(path, user);
  return await Deno.readTextFile(path);
}

async function requirePrivate(path: string, user: number): Promise<void> {
  const { uid, mode, isSymlink } = await Deno.lstat(path);
  if (uid === user && (mode! & 0o077) === 0 && !isSymlink) return;
  throw refused(`no job token, and ${path} is open to other users`);
}

function refused(got: string): InvalidArgumentError {
  return new InvalidArgumentError("connect", "DEEPINV_JOB_KEY", "set where several ranks meet", got);
}
