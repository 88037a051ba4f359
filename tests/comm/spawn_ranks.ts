/** Runs a script on N ranks with the environment that the launcher would set. */

import { freePort } from "../../launch/free_port.ts";

/** One rank's process and how it ended. */
export interface RankResult {
  readonly rank: number;
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Ranks that run, each a child process. */
export interface RunningRanks {
  readonly children: readonly Deno.ChildProcess[];
  readonly port: number;
  /** Waits for all; kills what is left after `limitMs`. */
  finish(limitMs?: number): Promise<RankResult[]>;
}

/** Options of {@link spawnRanks}. */
export interface SpawnOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ranks to start; the others are missing. */
  readonly only?: readonly number[];
  /** Environment of single ranks, by rank. */
  readonly envOf?: (rank: number) => Readonly<Record<string, string>>;
  readonly port?: number;
  /** Makes the command that is run for a rank out of the usual one. */
  readonly wrap?: (rank: number, command: string[]) => string[];
}

/** Starts `script` (relative to this folder) on `worldSize` ranks. */
export function spawnRanks(script: string, worldSize: number, options: SpawnOptions = {}): RunningRanks {
  const port = options.port ?? freePort("127.0.0.1");
  const ranks = options.only ?? Array.from({ length: worldSize }, (_, rank) => rank);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { wrap = (_rank, command) => command } = options;
  const usual = [Deno.execPath(), "run", "-A", "--no-check", "--config", config];
  const command = [...usual, new URL(script, import.meta.url).pathname, ...options.args ?? []];
  const children = ranks.map((rank) => {
    const [program, ...args] = wrap(rank, command);
    return new Deno.Command(program, {
      args,
      env: {
        ...{
          RANK: `${rank}`,
          WORLD_SIZE: `${worldSize}`,
          LOCAL_RANK: `${rank}`,
          LOCAL_WORLD_SIZE: `${worldSize}`,
        },
        ...{
          MASTER_ADDR: "127.0.0.1",
          MASTER_PORT: `${port}`,
          DEEPINV_JOB_TOKEN: "test-token",
          NO_COLOR: "1",
        },
        ...options.env,
        ...options.envOf?.(rank),
      },
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  });
  return { children, port, finish: (limitMs = 30_000) => finish(children, ranks, limitMs) };
}

async function finish(
  children: readonly Deno.ChildProcess[],
  ranks: readonly number[],
  limitMs: number,
): Promise<RankResult[]> {
  const timer = setTimeout(() => {
    for (const child of children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    }
  }, limitMs);
  const results = await Promise.all(children.map(async (child, index) => {
    const { code, signal, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return {
      rank: ranks[index],
      code,
      signal,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }));
  clearTimeout(timer);
  return results;
}

/** Runs a script to its end and throws with everybody's output unless all ranks end with code 0. */
export async function runRanks(
  script: string,
  worldSize: number,
  options: SpawnOptions = {},
): Promise<RankResult[]> {
  const results = await spawnRanks(script, worldSize, options).finish();
  if (results.some(({ code }) => code !== 0)) {
    throw new Error(
      results.map((r) => `rank ${r.rank}: ${r.code} ${r.signal}\n${r.stdout}${r.stderr}`).join("\n"),
    );
  }
  return results;
}
