/**
 * What the launcher's command line means: from flags to the options of a job.
 */
import { type FlagName, parseFlags, usageError } from "./flags.ts";
import { type Nodes, readNodes } from "./nodes.ts";
import { RESERVED_VARIABLES } from "./rank_variables.ts";
import { readRoutes, type Routes } from "./routes.ts";
import { duration, wholeNumber } from "./values.ts";

/** What to run and how, as read from the command line and the environment. */
export interface LaunchOptions {
  /** Ranks on this host, >= 1; the same on every host. */
  nproc: number;
  /** The hosts of the job. */
  nodes: Nodes;
  /** The script as given: a path relative to `cwd`, or a URL. */
  script: string;
  /** The script's own arguments, untouched. */
  scriptArgs: string[];
  /** Working directory of the ranks. */
  cwd: string;
  /** Extra environment of every rank. */
  env: Record<string, string>;
  /** Value of DEEPINV_DEVICE for every rank; null leaves it to the environment. */
  device: "auto" | "gpu" | "cpu" | null;
  /** Extra flags for `deno run`. */
  denoFlags: string[];
  /** How often all ranks are started again after a failure. */
  maxRestarts: number;
  /** Limit for the whole job in milliseconds, or null. */
  timeoutMs: number | null;
  /** Directory that receives files of the ranks' streams, or null. */
  logDir: string | null;
  /** Where the streams of each local rank go. */
  routes: Routes[];
  /** Whether output lines begin with their rank. */
  prefix: boolean;
  /** Print the plan instead of running it. */
  dryRun: boolean;
}

/** What the command line asks for. */
export type Command =
  | { kind: "help" }
  | { kind: "version" }
  | { kind: "keygen" }
  | { kind: "run"; options: LaunchOptions };

/** What the meaning of a command line depends on besides itself. */
export interface Surroundings {
  cores: number;
  /** GPUs that ranks on this host may use. */
  gpus: number;
  /** The current directory. */
  cwd: string;
}

const MAX_RANKS = 4096;

function readRankCount(text: string, { cores, gpus }: Surroundings): number {
  if (text === "cpu" || (text === "auto" && gpus === 0)) return cores;
  if (text === "gpu" && gpus === 0) {
    throw usageError("-n", "a number, cpu or auto on a host where no GPU is found", "gpu");
  }
  return text === "gpu" || text === "auto" ? gpus : wholeNumber("-n", text, 1, MAX_RANKS);
}

function readVariables(assignments: string[]): Record<string, string> {
  return Object.fromEntries(assignments.map((text) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
    if (!match) throw usageError("--env", "NAME=VALUE", JSON.stringify(text));
    if (RESERVED_VARIABLES.includes(match[1])) {
      throw usageError("--env", "a variable that the launcher does not set itself", match[1]);
    }
    return [match[1], match[2]];
  }));
}

function readDevice(text: string | undefined): LaunchOptions["device"] {
  if (text === undefined) return null;
  if (text !== "auto" && text !== "gpu" && text !== "cpu") {
    throw usageError("--device", "auto, gpu or cpu", JSON.stringify(text));
  }
  return text;
}

/**
 * Reads the launcher's command line.
 *
 * @param args the arguments after the program's name
 * @param env the environment, which holds the flags' twins and the job's key
 * @param host the number of cores and GPUs, for `-n auto`, and the current directory
 * @throws {InvalidArgumentError} an unknown flag, an unusable value, a contradiction, or no script
 */
export function parseCommandLine(args: string[], env: Record<string, string>, host: Surroundings): Command {
  const flags = parseFlags(args, env);
  if (flags.on("help")) return { kind: "help" };
  if (flags.on("version")) return { kind: "version" };
  if (flags.rest.length === 1 && flags.rest[0] === "keygen") return { kind: "keygen" };
  const text = (name: FlagName): string | undefined => flags.text(name);

  const nproc = readRankCount(text("nproc-per-node") ?? "1", host);
  const timeout = text("timeout");
  const [script = "", ...scriptArgs] = flags.rest;
  const options: LaunchOptions = {
    nproc,
    nodes: readNodes(flags, env),
    script,
    scriptArgs,
    cwd: text("cwd") ?? host.cwd,
    env: readVariables(flags.list("env")),
    device: readDevice(text("device")),
    denoFlags: flags.list("deno-flags").flatMap((words) => words.split(/\s+/).filter((word) => word !== "")),
    maxRestarts: wholeNumber("--max-restarts", text("max-restarts") ?? "0", 0, 1000),
    timeoutMs: timeout === undefined ? null : duration("--timeout", timeout),
    logDir: text("log-dir") ?? null,
    routes: readRoutes(flags, nproc),
    prefix: !flags.on("no-prefix"),
    dryRun: flags.on("dry-run"),
  };
  if (script === "") throw usageError("the script", "named after the flags", "nothing");
  return { kind: "run", options };
}
