/**
 * The launcher's flags: one table, from which parsing, the environment twins and the help text all follow. Flags end at
 * the script's name; everything after it belongs to the script. `--a_b` is read as `--a-b`, as torchrun's users write it.
 */
import { parseArgs } from "node:util";
import { InvalidArgumentError } from "../src/util/errors.ts";

/** One row of the table. */
export interface Flag {
  /** Heading under which `--help` shows it. */
  group: string;
  short?: string;
  /** What stands for its value in the help; a flag without one is a switch. */
  value?: string;
  multiple?: boolean;
  /** Without a twin in the environment. */
  noTwin?: boolean;
  /** Flags whose twins do not count where this flag is on the command line. */
  silences?: readonly string[];
  help: string;
}

const FLAGS = {
  "nproc-per-node": {
    group: "Ranks",
    short: "n",
    value: "N|auto|gpu|cpu",
    help:
      "ranks on this host (default 1); gpu: one per GPU, cpu: one per core,\nauto: one per GPU if there is any, else one per core",
  },
  "max-restarts": {
    group: "Ranks",
    value: "K",
    help:
      "start all ranks again after a failure, K times (default 0);\nranks find the count in RESTART_COUNT",
  },
  timeout: { group: "Ranks", value: "TIME", help: "end the job after this time: 90, 90s, 15m, 2h" },
  device: {
    group: "Ranks",
    value: "auto|gpu|cpu",
    help: "compute device of every rank (sets DEEPINV_DEVICE)",
  },
  nnodes: {
    group: "Several hosts",
    value: "N",
    help:
      "hosts of the job (default 1); run the same command on each, with its own\n--node-rank and the same -n",
  },
  "node-rank": { group: "Several hosts", value: "I", help: "this host's number, 0 to N - 1" },
  "master-addr": {
    group: "Several hosts",
    value: "HOST",
    help: "address of host 0, as the others reach it",
  },
  "master-port": {
    group: "Several hosts",
    value: "PORT",
    help: "free port on host 0 (default 29500, or one that follows from --rdzv-id)",
  },
  "rdzv-endpoint": {
    group: "Several hosts",
    value: "HOST:PORT",
    silences: ["master-addr", "master-port"],
    help: "--master-addr and --master-port in one",
  },
  "rdzv-id": {
    group: "Several hosts",
    value: "ID",
    help: "name of the job; jobs with one key need different ones",
  },
  standalone: {
    group: "Several hosts",
    silences: ["nnodes", "node-rank", "master-addr", "rdzv-endpoint", "master-port"],
    help: "one host, whatever the environment says",
  },
  insecure: { group: "Several hosts", help: "let hosts meet without DEEPINV_JOB_KEY: anybody may join" },
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
    help: "flags for `deno run`, separated by spaces; see Permissions",
  },
  "no-prefix": { group: "Output", help: "leave out the [rank] before each line" },
  "log-dir": { group: "Output", value: "DIR", help: "also write one file per rank and stream to DIR" },
  redirects: {
    group: "Output",
    short: "r",
    value: "S",
    help: "streams that go to --log-dir only: 0 none, 1 stdout, 2 stderr, 3 both;\nor by local rank: 0:3,1:1",
  },
  tee: {
    group: "Output",
    short: "t",
    value: "S",
    help: "streams that go to --log-dir and here (default 3 without --redirects)",
  },
  "local-ranks-filter": {
    group: "Output",
    value: "LIST",
    help: "local ranks whose output is shown here: 0,2 (default: all)",
  },
  "dry-run": {
    group: "Other",
    help: "print each rank's host, device, command and environment, run nothing",
  },
  version: { group: "Other", noTwin: true, help: "print the version" },
  help: { group: "Other", short: "h", noTwin: true, help: "print this text" },
} satisfies Record<string, Flag>;

/** Name of a flag without its dashes. */
export type FlagName = keyof typeof FLAGS;

/** All flags, in the order of the help text. */
export const TABLE = Object.entries(FLAGS) as readonly [FlagName, Flag][];
const ENV_TWIN_PREFIX = "DEEPINV_RUN_";

/** The error for a command line that cannot be used. */
export function usageError(argument: string, requirement: string, got: string): InvalidArgumentError {
  return new InvalidArgumentError("launch", argument, requirement, got);
}

/** The environment variable that stands in for a flag: `--log-dir` is `DEEPINV_RUN_LOG_DIR`. */
export function envTwin(flag: string): string {
  return ENV_TWIN_PREFIX + flag.toUpperCase().replaceAll("-", "_");
}

/** What a command line says, before its meaning is looked at. */
export interface ParsedFlags {
  /** Value of a flag, from the command line or the environment. */
  text(name: FlagName): string | undefined;
  /** Values of a repeatable flag. */
  list(name: FlagName): string[];
  /** Whether a switch is on. */
  on(name: FlagName): boolean;
  /** The script's name and its arguments; empty if there is none. */
  rest: string[];
}

type Values = Partial<Record<FlagName, string | boolean | (string | boolean)[]>>;
type ParserConfig = Record<string, { type: "string" | "boolean"; short?: string; multiple?: boolean }>;

const CONFIG: ParserConfig = Object.fromEntries(
  TABLE.map(([name, flag]) => [name, {
    type: flag.value ? "string" : "boolean",
    ...(flag.short ? { short: flag.short } : {}),
    ...(flag.multiple ? { multiple: true } : {}),
  }]),
);

/** Where the script's name stands: the first argument that is neither a flag nor a flag's value. */
function scriptIndex(args: string[]): number {
  const { tokens } = parseArgs({
    args,
    options: CONFIG,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens.find((token) => token.kind === "positional")?.index ?? args.length;
}

function parseStrictly(args: string[]): Values {
  try {
    return parseArgs({ args, options: CONFIG, strict: true, allowPositionals: true }).values as Values;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    const quoted = /'([^' ,]+)/.exec(message)?.[1] ?? "";
    if (code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") throw usageError("a flag", "one that --help lists", quoted);
    if (code === "ERR_PARSE_ARGS_INVALID_OPTION_VALUE") {
      const flag = TABLE.find(([name, { short }]) => quoted === `--${name}` || quoted === `-${short}`)?.[1];
      throw usageError(quoted, flag?.value ? `followed by ${flag.value}` : "without a value", args.join(" "));
    }
    throw error;
  }
}

function switchTwin(name: FlagName, text: string): boolean {
  if (!/^(0|1|true|false)$/.test(text)) {
    throw usageError(envTwin(name), "1, 0, true or false", JSON.stringify(text));
  }
  return text === "1" || text === "true";
}

/** Fills flags that the command line leaves out from their environment twins. */
function withEnvironment(given: Values, env: Record<string, string>): Values {
  const silenced = TABLE.flatMap(([name, flag]) => given[name] === undefined ? [] : flag.silences ?? []);
  const filled: Values = { ...given };
  for (const [name, flag] of TABLE) {
    const twin = env[envTwin(name)];
    if (!twin || flag.noTwin || given[name] !== undefined || silenced.includes(name)) continue;
    filled[name] = flag.multiple ? [twin] : flag.value ? twin : switchTwin(name, twin);
  }
  return filled;
}

/**
 * Reads flags from the command line and the environment.
 *
 * @throws {InvalidArgumentError} an unknown flag, a missing or superfluous value
 */
export function parseFlags(args: string[], env: Record<string, string>): ParsedFlags {
  const dashed = args.map((arg) => arg.replace(/^--[^=]+/, (name) => name.replaceAll("_", "-")));
  const index = scriptIndex(dashed);
  const given = parseStrictly(dashed.slice(0, index));
  // A broken twin must not stand between a user and the help text.
  const values = given.help || given.version ? given : withEnvironment(given, env);
  return {
    text: (name) => values[name] as string | undefined,
    list: (name) => (values[name] ?? []) as string[],
    on: (name) => values[name] === true,
    rest: args.slice(index),
  };
}
