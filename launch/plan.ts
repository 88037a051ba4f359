/**
 * From options to processes: which command each rank runs and in which environment. Pure, so that a dry run shows
 * exactly what a run does.
 */
import { assignDevices, type DeviceFacts } from "./devices.ts";
import type { LaunchOptions } from "./options.ts";
import { choosePermissions } from "./permissions.ts";
import { type Attempt, globalRank, rankVariables, SECRET_VARIABLES } from "./rank_variables.ts";

/** One rank to start: the `deno` arguments and what is added to the inherited environment. */
export interface RankPlan {
  rank: number;
  localRank: number;
  /** Its device in words. */
  device: string;
  args: string[];
  env: Record<string, string>;
}

/** A job ready to start, as far as it runs on this host. */
export interface JobPlan {
  /** The program of every rank. */
  command: string;
  cwd: string;
  /** Ranks of the whole job. */
  worldSize: number;
  /** The ranks of this host. */
  ranks: RankPlan[];
}

/** What a plan needs to know about this host and this launcher. */
export interface HostFacts extends DeviceFacts {
  /** Path of the deno executable. */
  deno: string;
  launcherPid: number;
  /** The launcher's own environment. */
  env: Record<string, string>;
  /** Whether stdout and stderr are both terminals. */
  terminal: boolean;
}

/** Where the script and its configuration lie. */
export interface ScriptLocation {
  /** Absolute path or URL of the script. */
  main: string;
  /** `deno run` flags that choose the configuration file. */
  configFlags: string[];
  /** URL of the module that ties a rank to its launcher. */
  guard: string;
}

/** Variables that keep a rank's messages in colour on a terminal and plain elsewhere, unless the user decided. */
function colourVariables(env: Record<string, string>, terminal: boolean): Record<string, string> {
  if (env.NO_COLOR || env.FORCE_COLOR) return {};
  return terminal ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
}

/** The arguments of `deno` for every rank. */
function denoArguments(options: LaunchOptions, location: ScriptLocation, host: HostFacts): string[] {
  const { flags, guarded } = choosePermissions(options.denoFlags);
  return [
    // Quiet about downloads; errors are printed all the same.
    ...["run", "--quiet", ...flags],
    // A rank without the guard is covered by the launcher's watcher alone.
    ...(guarded && host.os === "linux" ? ["--preload", location.guard] : []),
    ...location.configFlags,
    ...options.denoFlags,
    location.main,
    ...options.scriptArgs,
  ];
}

/**
 * The commands and environments of this host's ranks. Secrets travel by environment only: command lines are public.
 */
export function planJob(
  options: LaunchOptions,
  location: ScriptLocation,
  host: HostFacts,
  attempt: Attempt,
): JobPlan {
  const { nodes, nproc } = options;
  const chosen = { ...options.env, ...(options.device ? { DEEPINV_DEVICE: options.device } : {}) };
  const given = { ...host.env, ...chosen };
  const args = denoArguments(options, location, host);
  const ranks = assignDevices(host, given, nproc).map((share, localRank): RankPlan => ({
    rank: globalRank(nodes, nproc, localRank),
    localRank,
    device: share.label,
    args,
    env: {
      ...colourVariables(given, host.terminal),
      ...share.env,
      ...chosen,
      ...rankVariables(nodes, nproc, localRank, attempt, host.launcherPid),
    },
  }));
  return { command: host.deno, cwd: options.cwd, worldSize: nodes.count * nproc, ranks };
}

/** The plan as text for `--dry-run`, without the job's secrets. */
export function formatPlan(plan: JobPlan, hostname: string): string {
  const blocks = plan.ranks.map((rank) => {
    const env = Object.entries(rank.env).toSorted(([a], [b]) => a < b ? -1 : 1)
      .map(([name, value]) => `    ${name}=${SECRET_VARIABLES.includes(name) ? "(secret)" : value}`);
    return [
      `rank ${rank.rank} on ${hostname}, device: ${rank.device}`,
      `  ${[plan.command, ...rank.args].join(" ")}`,
      ...env,
    ].join("\n");
  });
  return blocks.join("\n") + "\n";
}
