/**
 * Finds the script and decides whose configuration (import map) its ranks use.
 *
 * 1. A project of the script's own that names this package (deno.json, deno.jsonc or package.json in the script's
 *    folder or above) wins.
 * 2. Otherwise the package's deno.json is passed, so that `import "@deepinv/distributed"` works from anywhere; its lock
 *    file serves only scripts of the package itself.
 * 3. A launcher that itself runs from the network has no local deno.json: Deno decides.
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError } from "../src/util/errors.ts";
import type { ScriptLocation } from "./plan.ts";

const PACKAGE_NAME = "@deepinv/distributed";
const PROJECT_FILES = ["deno.json", "deno.jsonc", "package.json"];

function* ancestors(folder: string): Generator<string> {
  for (let current = folder;; current = dirname(current)) {
    yield current;
    if (dirname(current) === current) return;
  }
}

function readIfPresent(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.IsADirectory) return null;
    throw error;
  }
}

/** The flags for the script's own project, or null if it has none that names this package. */
function ownProjectFlags(scriptFolder: string): string[] | null {
  for (const folder of ancestors(scriptFolder)) {
    for (const file of PROJECT_FILES) {
      const path = join(folder, file);
      if (!readIfPresent(path)?.includes(`"${PACKAGE_NAME}`)) continue;
      return file === "package.json" ? [] : ["--config", path];
    }
  }
  return null;
}

function hasKind(path: string, kind: "isFile" | "isDirectory"): boolean {
  try {
    return Deno.statSync(path)[kind];
  } catch {
    return false;
  }
}

function configFlags(scriptFolder: string | null, denoFlags: string[]): string[] {
  const config = new URL("../deno.json", import.meta.url);
  if (config.protocol !== "file:" || denoFlags.some((flag) => /^(-c|--config|--no-config)(=|$)/.test(flag))) {
    return [];
  }
  const packageFolder = dirname(fileURLToPath(config));
  const flags = ["--config", fileURLToPath(config)];
  if (scriptFolder !== null) {
    if ([...ancestors(scriptFolder)].includes(packageFolder)) return flags;
    const own = ownProjectFlags(scriptFolder);
    if (own) return own;
  }
  // What a foreign script imports has no place in the package's lock file.
  return denoFlags.some((flag) => /^--(no-)?lock(=|$)/.test(flag)) ? flags : [...flags, "--no-lock"];
}

/**
 * Locates a script.
 *
 * @param script a path relative to `cwd`, or a `file:`, `http(s):`, `jsr:` or `npm:` URL
 * @param cwd the ranks' working directory
 * @param denoFlags the user's own `deno run` flags; a configuration chosen there is respected
 * @throws {InvalidArgumentError} a script that is not a file, a `cwd` that is not a directory
 */
export function locateScript(script: string, cwd: string, denoFlags: string[]): ScriptLocation {
  if (!hasKind(cwd, "isDirectory")) {
    throw new InvalidArgumentError("launch", "--cwd", "an existing directory", cwd);
  }
  const guard = new URL("./child_guard.ts", import.meta.url).href;
  if (/^(https?|jsr|npm):/.test(script)) {
    return { main: script, configFlags: configFlags(null, denoFlags), guard };
  }
  const path = script.startsWith("file:") ? fileURLToPath(script) : resolve(cwd, script);
  if (!hasKind(path, "isFile")) {
    throw new InvalidArgumentError("launch", "the script", "an existing file", script);
  }
  return { main: path, configFlags: configFlags(dirname(path), denoFlags), guard };
}
