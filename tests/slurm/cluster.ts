/**
 * A throwaway SLURM cluster of virtual nodes on this machine: every daemon real, each with its own configuration, key, state
 * and ports.
 *
 * The daemons and all jobs live in a process and mount namespace of their own, in which the nodes' names have loopback
 * addresses. It ends with this process, however that ends: its first process waits for the end of its standard input.
 */
import { freePort } from "../../launch/free_port.ts";
import { SlurmRun } from "./slurm_run.ts";
import { slurmFiles } from "./slurm_files.ts";

const START_TIMEOUT_MS = 60_000;
const BATCH_LIMIT_MS = 40_000;
const UNFINISHED = new Set(["PENDING", "CONFIGURING", "RUNNING", "COMPLETING"]);

/** A running cluster; disposing it ends its daemons and jobs and removes its files. */
export class SlurmCluster implements AsyncDisposable {
  readonly #daemons: Deno.ChildProcess;

  private constructor(readonly folder: string, daemons: Deno.ChildProcess) {
    this.#daemons = daemons;
  }

  /**
   * Starts a controller and one daemon per node.
   *
   * @param nodes node names
   * @param cpus CPUs of each node, whatever the machine has
   * @param gpus device files of each node
   */
  static async start(nodes: readonly string[], cpus: number, gpus: number): Promise<SlurmCluster> {
    const folder = await Deno.makeTempDir({ prefix: "deepinv-slurm-" });
    const files = slurmFiles({
      folder,
      nodes,
      cpus,
      gpus,
      host: shortHostname(),
      ports: freePorts(nodes.length + 1),
    });
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await Deno.writeFile(`${folder}/munge.key`, crypto.getRandomValues(new Uint8Array(1024)), {
      mode: 0o400,
    });
    // The key service accepts no folder that others may write to, and nodes read their files here.
    await Deno.chmod(folder, 0o755);
    const namespace = [
      "--mount",
      "--propagation",
      "private",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
    ];
    const daemons = new Deno.Command("unshare", {
      args: [...namespace, "bash", `${folder}/start.sh`],
      env: { PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin` },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const cluster = new SlurmCluster(folder, daemons);
    try {
      await cluster.#ready();
      return cluster;
    } catch (error) {
      const logs = await cluster.#logs();
      await cluster[Symbol.asyncDispose]();
      throw new Error(`The SLURM cluster did not start\n${logs}`, { cause: error });
    }
  }

  /** Starts a command of SLURM's with this cluster's configuration. */
  spawn(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): SlurmRun {
    return new SlurmRun(command, args, {
      ...env,
      SLURM_CONF: `${this.folder}/slurm.conf`,
      NO_COLOR: "1",
      PATH: `${Deno.execPath().replace(/\/[^/]*$/, "")}:${Deno.env.get("PATH")}`,
    });
  }

  /**
   * Submits a batch job and waits until it, or all tasks of the array, have ended.
   *
   * @throws Error if it cannot be submitted or does not complete
   */
  async batch(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    const job = (await this.spawn("sbatch", ["--parsable", ...args], env).output()).trim();
    const deadline = performance.now() + BATCH_LIMIT_MS;
    for (;;) {
      const shown = await this.spawn("scontrol", ["--oneliner", "show", "job", job]).output();
      const states = [...shown.matchAll(/ JobState=(\w+)/g)].map(([, state]) => state);
      if (states.every((state) => state === "COMPLETED")) return;
      const late = performance.now() > deadline;
      if (late || states.some((state) => !UNFINISHED.has(state) && state !== "COMPLETED")) {
        throw new Error(`Job ${job} is ${states.join(", ")}${late ? " after too long" : ""}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Process ids of all ranks whose command line holds `text`. */
  async processes(text: string): Promise<number[]> {
    const found: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        const command = await Deno.readTextFile(`/proc/${name}/cmdline`);
        if (!command.includes(text)) continue;
        const environment = await Deno.readTextFile(`/proc/${name}/environ`);
        const here = environment.includes(`SLURM_CONF=${this.folder}/`) &&
          environment.includes("SLURM_PROCID=");
        if (here) found.push(Number(name));
      } catch (error) {
        // It ended meanwhile.
        if (!(error instanceof Deno.errors.NotFound) && !isNoSuchProcess(error)) throw error;
      }
    }
    return found;
  }

  /** Ends everything in the cluster. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemons.stdin.close().catch(() => {});
    await this.#daemons.status;
    await this.#daemons.stdout.cancel().catch(() => {});
    await Deno.remove(this.folder, { recursive: true });
  }

  async #ready(): Promise<void> {
    const timer = setTimeout(() => this.#daemons.kill("SIGKILL"), START_TIMEOUT_MS);
    const reader = this.#daemons.stdout.getReader();
    const { done } = await reader.read();
    clearTimeout(timer);
    reader.releaseLock();
    if (done) throw new Error("its first process ended");
  }

  async #logs(): Promise<string> {
    const tails: string[] = [];
    for await (const { name } of Deno.readDir(this.folder)) {
      if (!name.endsWith(".log")) continue;
      const lines = (await Deno.readTextFile(`${this.folder}/${name}`)).trim().split("\n");
      tails.push(`${name}:`, ...lines.slice(-10));
    }
    return tails.join("\n");
  }
}

function shortHostname(): string {
  return Deno.hostname().split(".")[0];
}

function freePorts(count: number): number[] {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(freePort("127.0.0.1"));
  return [...ports];
}

function isNoSuchProcess(error: unknown): boolean {
  return error instanceof Error && /os error 3\b/.test(error.message);
}
