/**
 * From options to processes: which command each rank runs and in which environment. Pure, so that a dry run shows
 * exactly what a run does.
 */
import type { LaunchOptions } from "./options.ts";

/** One rank to start: the `deno` arguments and what is added to the inherited environment. */
export interface RankPlan {
  rank: number;
  localRank: number;
  args: string[];
  env: Record<string, string>;
}

/** A job ready to start. */
export interface JobPlan {
  /** The program of every rank. */
  command: string;
  cwd: string;
  ranks: RankPlan[];
}

/** What a plan needs to know about this host and this launcher. */
export interface HostFacts {
  /** Path of the deno executable. */
  deno: string;
  os: typeof Deno.build.os;
  cores: number;
  launcherPid: number;
  /** The launcher's own environment. */
  env: Record<string, string>;
  /** Whether stdout and stderr are both terminals. */
  terminal: boolean;
}

/** What distinguishes one start of a job from the next. */
export interface Attempt {
  /** The free TCP port at which rank 0 meets the others. */
  masterPort: number;
  /** Secret shared by the ranks, 32 random bytes in hex. */
  token: string;
  /** How many starts came before. */
  restartCount: number;
}

/** Variables that the launcher alone sets. */
export const RESERVED_VARIABLES: readonly string[] = [
  "RANK",
  "LOCAL_RANK",
  "WORLD_SIZE",
  "LOCAL_WORLD_SIZE",
  "MASTER_ADDR",
  "MASTER_PORT",
  "DEEPINV_JOB_TOKEN",
  "DEEPINV_LAUNCHER_PID",
  "RESTART_COUNT",
];

/** Where the script and its configuration lie. */
export interface ScriptLocation {
  /** Absolute path or URL of the script. */
  main: string;
  /** `deno run` flags that choose the configuration file. */
  configFlags: string[];
  /** URL of the module that ties a rank to its launcher. */
  guard: string;
}

const PERMISSION_FLAG = /^(-A|-P|-[RWNESI](=|$)|--allow-(?!scripts)|--permission-set)/;

/** Variables that keep a rank's messages in colour on a terminal and plain elsewhere, unless the user decided. */
function colourVariables(env: Record<string, string>, terminal: boolean): Record<string, string> {
  if (env.NO_COLOR || env.FORCE_COLOR) return {};
  return terminal ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
}

/** Variables for the graphics stack, each only where the user has not set it. */
function deviceVariables(
  env: Record<string, string>,
  host: HostFacts,
  localRanks: number,
): Record<string, string> {
  const defaults: Record<string, string> = host.os === "linux"
    ? {
      DENO_WEBGPU_BACKEND: "vulkan",
      LP_NUM_THREADS: String(Math.max(1, Math.floor(host.cores / localRanks))),
      NODEVICE_SELECT: "1",
    }
    : {};
  // Mesa's device-select layer must stay on where the user steers it.
  if (env.DRI_PRIME || env.MESA_VK_DEVICE_SELECT) delete defaults.NODEVICE_SELECT;
  return Object.fromEntries(Object.entries(defaults).filter(([name]) => env[name] === undefined));
}

/**
 * The commands and environments of all ranks. The job's token travels by environment only: command lines are public.
 */
export function planJob(
  options: LaunchOptions,
  location: ScriptLocation,
  host: HostFacts,
  attempt: Attempt,
): JobPlan {
  const ownPermissions = options.denoFlags.some((flag) => PERMISSION_FLAG.test(flag));
  const args = [
    "run",
    // The guard needs FFI; ranks with restricted permissions are covered by the launcher's watcher alone.
    ...(ownPermissions ? [] : ["-A", ...(host.os === "linux" ? ["--preload", location.guard] : [])]),
    ...location.configFlags,
    ...options.denoFlags,
    location.main,
    ...options.scriptArgs,
  ];
  const given = { ...host.env, ...options.env };
  const shared: Record<string, string> = {
    ...colourVariables(given, host.terminal),
    ...deviceVariables(given, host, options.nproc),
    ...(options.device ? { DEEPINV_DEVICE: options.device } : {}),
    ...options.env,
    WORLD_SIZE: String(options.nproc),
    LOCAL_WORLD_SIZE: String(options.nproc),
    MASTER_ADDR: "127.0.0.1",
    MASTER_PORT: String(attempt.masterPort),
    DEEPINV_JOB_TOKEN: attempt.token,
    DEEPINV_LAUNCHER_PID: String(host.launcherPid),
    RESTART_COUNT: String(attempt.restartCount),
  };
  const ranks = Array.from({ length: options.nproc }, (_, rank) => ({
    rank,
    localRank: rank,
    args,
    env: { ...shared, RANK: String(rank), LOCAL_RANK: String(rank) },
  }));
  return { command: host.deno, cwd: options.cwd, ranks };
}

/** The plan as text for `--dry-run`, without the job's secret. */
export function formatPlan(plan: JobPlan, hostname: string): string {
  const blocks = plan.ranks.map((rank) => {
    const env = Object.entries(rank.env).toSorted(([a], [b]) => a < b ? -1 : 1)
      .map(([name, value]) => `    ${name}=${name === "DEEPINV_JOB_TOKEN" ? "(secret)" : value}`);
    return [`rank ${rank.rank} on ${hostname}`, `  ${[plan.command, ...rank.args].join(" ")}`, ...env].join(
      "\n",
    );
  });
  return blocks.join("\n") + "\n";
}
