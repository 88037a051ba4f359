/**
 * The command line of the launcher: one table of flags, from which parsing, the environment twins and the help text
 * all follow. Flags end at the script's name; everything after it belongs to the script.
 */
import { parseArgs } from "node:util";
import { InvalidArgumentError } from "../src/util/errors.ts";
import { RESERVED_VARIABLES } from "./plan.ts";

/** What to run and how, as read from the command line and the environment. */
export interface LaunchOptions {
  /** Ranks on this host, >= 1. */
  nproc: number;
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
  /** Directory that receives one file per rank and stream, or null. */
  logDir: string | null;
  /** Whether output lines begin with their rank. */
  prefix: boolean;
  /** Print the plan instead of running it. */
  dryRun: boolean;
}

/** What the command line asks for. */
export type Command = { kind: "help" } | { kind: "version" } | { kind: "run"; options: LaunchOptions };

interface Flag {
  group: string;
  short?: string;
  /** Placeholder of the value; a flag without one is a switch. */
  value?: string;
  multiple?: boolean;
  help: string;
}

const MAX_RANKS = 4096;

const FLAGS = {
  "nproc-per-node": {
    group: "Ranks",
    short: "n",
    value: "N|auto",
    help: "ranks on this host (default 1); auto: one per core",
  },
  "max-restarts": {
    group: "Ranks",
    value: "K",
    help: "start all ranks again after a failure, K times (default 0)",
  },
  timeout: { group: "Ranks", value: "TIME", help: "end the job after this time: 90, 90s, 15m, 2h" },
  device: {
    group: "Ranks",
    value: "auto|gpu|cpu",
    help: "compute device of every rank (sets DEEPINV_DEVICE)",
  },
  env: {
    group: "Environment",
    value: "NAME=VALUE",
    multiple: true,
    help: "set a variable in every rank (repeatable)",
  },
  cwd: {
    group: "Environment",
    value: "DIR",
    help: "working directory of the ranks (default: the current one)",
  },
  "deno-flags": {
    group: "Environment",
    value: "FLAGS",
    multiple: true,
    help: "flags for `deno run`, separated by spaces; permission flags replace -A",
  },
  "no-prefix": { group: "Output", help: "leave out the [rank] before each line" },
  "log-dir": { group: "Output", value: "DIR", help: "also write one file per rank and stream to DIR" },
  "dry-run": { group: "Other", help: "print each rank's command and environment, run nothing" },
  version: { group: "Other", help: "print the version" },
  help: { group: "Other", short: "h", help: "print this text" },
} satisfies Record<string, Flag>;

type FlagName = keyof typeof FLAGS;

const ENV_TWIN_PREFIX = "DEEPINV_RUN_";

const EXAMPLES = `Examples:
  deepinv-run -n 4 train.ts --epochs 10
  deepinv-run -n 2 --device cpu --timeout 15m examples/pnp_deblur.ts --check
  deepinv-run -n auto --log-dir logs --max-restarts 2 script.ts
  deepinv-run -n 2 --deno-flags="--v8-flags=--max-old-space-size=8192" script.ts`;

function usageError(argument: string, requirement: string, got: string): InvalidArgumentError {
  return new InvalidArgumentError("launch", argument, requirement, got);
}

/** The environment variable that stands in for a flag: `--log-dir` is `DEEPINV_RUN_LOG_DIR`. */
export function envTwin(flag: string): string {
  return ENV_TWIN_PREFIX + flag.toUpperCase().replaceAll("-", "_");
}

/** The text of `--help`: flags by group, then examples. */
export function helpText(): string {
  const lines = ["Usage: deepinv-run [flags] script.ts [script arguments]", ""];
  lines.push("Runs the script as N cooperating processes (ranks) on this host and supervises them.", "");
  const entries = Object.entries(FLAGS) as [FlagName, Flag][];
  for (const group of new Set(entries.map(([, flag]) => flag.group))) {
    lines.push(`${group}:`);
    for (const [name, flag] of entries.filter(([, flag]) => flag.group === group)) {
      const left = `${flag.short ? `-${flag.short}, ` : "    "}--${name}${
        flag.value ? ` ${flag.value}` : ""
      }`;
      lines.push(`  ${left.padEnd(32)} ${flag.help}`);
    }
    lines.push("");
  }
  lines.push(
    `Each flag with a value has a twin in the environment: --log-dir is ${envTwin("log-dir")}.`,
    "",
    EXAMPLES,
  );
  return lines.join("\n") + "\n";
}

/** Where the script's name stands in `args`: the first argument that is neither a flag nor a flag's value. */
function scriptIndex(args: string[], config: ReturnType<typeof parserConfig>): number {
  const { tokens } = parseArgs({
    args,
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const script = tokens.find((token) => token.kind === "positional");
  return script?.index ?? args.length;
}

function parserConfig(): Record<string, { type: "string" | "boolean"; short?: string; multiple?: boolean }> {
  return Object.fromEntries(
    (Object.entries(FLAGS) as [FlagName, Flag][]).map(([name, flag]) => [name, {
      type: flag.value ? "string" : "boolean",
      ...(flag.short ? { short: flag.short } : {}),
      ...(flag.multiple ? { multiple: true } : {}),
    }]),
  );
}

type Values = Partial<Record<FlagName, string | boolean | (string | boolean)[]>>;

function parseFlags(args: string[], config: ReturnType<typeof parserConfig>): Values {
  try {
    return parseArgs({ args, options: config, strict: true, allowPositionals: true }).values as Values;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    const quoted = /'([^' ,]+)/.exec(message)?.[1] ?? "";
    if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") throw usageError("a flag", "one that --help lists", quoted);
    if (code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
      const entries = Object.entries(FLAGS) as [FlagName, Flag][];
      const flag = entries.find(([name, { short }]) => quoted === `--${name}` || quoted === `-${short}`)?.[1];
      throw usageError(quoted, flag?.value ? `followed by ${flag.value}` : "without a value", args.join(" "));
    }
    throw error;
  }
}

/** Fills flags that the command line leaves out from their environment twins. */
function withEnvironment(values: Values, env: Record<string, string>): Values {
  const filled: Values = { ...values };
  for (const [name, flag] of Object.entries(FLAGS) as [FlagName, Flag][]) {
    const twin = env[envTwin(name)];
    if (flag.value && filled[name] === undefined && twin) filled[name] = flag.multiple ? [twin] : twin;
  }
  return filled;
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw usageError(flag, `a whole number from ${min} to ${max}`, JSON.stringify(text));
  }
  return value;
}

function duration(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = match ? Number(match[1]) * { ms: 1, s: 1e3, m: 60e3, h: 3600e3 }[match[2] ?? "s"]! : 0;
  if (!(ms >= 1 && ms < 2 ** 31)) {
    throw usageError(flag, "a time such as 90, 90s, 15m or 2h, at most 24 days", text);
  }
  return ms;
}

function variables(assignments: string[]): Record<string, string> {
  return Object.fromEntries(assignments.map((text) => {
    const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
    if (!match) throw usageError("--env", "NAME=VALUE", JSON.stringify(text));
    if (RESERVED_VARIABLES.includes(match[1])) {
      throw usageError("--env", "a variable that the launcher does not set itself", match[1]);
    }
    return [match[1], match[2]];
  }));
}

function deviceKind(text: string): "auto" | "gpu" | "cpu" {
  if (text !== "auto" && text !== "gpu" && text !== "cpu") {
    throw usageError("--device", "auto, gpu or cpu", JSON.stringify(text));
  }
  return text;
}

/**
 * Reads the launcher's command line.
 *
 * @param args the arguments after the program's name
 * @param env the environment, which holds the flags' twins
 * @param host the number of cores, for `-n auto`, and the current directory
 * @throws {InvalidArgumentError} an unknown flag, an unusable value, or no script
 */
export function parseCommandLine(
  args: string[],
  env: Record<string, string>,
  host: { cores: number; cwd: string },
): Command {
  const config = parserConfig();
  const index = scriptIndex(args, config);
  const given = parseFlags(args.slice(0, index), config);
  if (given.help) return { kind: "help" };
  if (given.version) return { kind: "version" };
  const values = withEnvironment(given, env);
  const text = (name: FlagName): string | undefined => values[name] as string | undefined;
  const list = (name: FlagName): string[] => (values[name] ?? []) as string[];

  const nproc = text("nproc-per-node") ?? "1";
  const [timeout, device] = [text("timeout"), text("device")];
  const options: LaunchOptions = {
    nproc: nproc === "auto" ? host.cores : wholeNumber("-n", nproc, 1, MAX_RANKS),
    script: args[index] ?? "",
    scriptArgs: args.slice(index + 1),
    cwd: text("cwd") ?? host.cwd,
    env: variables(list("env")),
    device: device === undefined ? null : deviceKind(device),
    denoFlags: list("deno-flags").flatMap((flags) => flags.split(/\s+/).filter((flag) => flag !== "")),
    maxRestarts: wholeNumber("--max-restarts", text("max-restarts") ?? "0", 0, 1000),
    timeoutMs: timeout === undefined ? null : duration("--timeout", timeout),
    logDir: text("log-dir") ?? null,
    prefix: !values["no-prefix"],
    dryRun: values["dry-run"] === true,
  };
  if (options.script === "") throw usageError("the script", "named after the flags", "nothing");
  return { kind: "run", options };
}
