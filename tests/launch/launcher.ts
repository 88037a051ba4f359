/** Runs the launcher as its users do: as a process. */
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../launch/deepinv_run.ts", import.meta.url));

/** Path of a script in `fixtures/`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface LaunchSettings {
  /** Stop reading stdout, as `head` does, after this many characters. */
  closeOutputAfter?: number;
  /** Do not read stdout before the launcher has ended. */
  pauseOutput?: boolean;
  /** Makes the command that is run out of the launcher's own. */
  wrap?: (command: string[]) => string[];
  cwd?: string;
  env?: Record<string, string>;
}

/** A running launcher whose stdout can be watched. */
export class Launcher implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #startedAt = performance.now();
  readonly #stdout: Promise<void>;
  readonly #stderr: Promise<string>;
  #text = "";
  #onText: () => void = () => {};

  constructor(
    args: string[],
    { closeOutputAfter = Infinity, pauseOutput = false, wrap = (command) => command, ...settings }:
      LaunchSettings = {},
  ) {
    const [program, ...programArgs] = wrap([Deno.execPath(), "run", "-A", PROGRAM, ...args]);
    this.#child = new Deno.Command(program, {
      args: programArgs,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...settings,
    }).spawn();
    this.#stdout = (pauseOutput ? this.#child.status : Promise.resolve()).then(() =>
      this.#read(closeOutputAfter)
    );
    this.#stderr = new Response(this.#child.stderr).text();
  }

  async #read(limit: number): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#onText();
      if (this.#text.length > limit) return;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** The process ids printed as `pid N`, once there are `count` of them. */
  async pids(count: number): Promise<number[]> {
    for (;;) {
      const found = [...this.#text.matchAll(/pid (\d+)\n/g)].map((match) => Number(match[1]));
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => this.#onText = resolve);
    }
  }

  async finished(): Promise<Finished> {
    const { code } = await this.#child.status;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    await this.#stdout;
    return { code, stdout: this.#text, stderr: await this.#stderr, seconds };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.finished();
  }
}

/** Runs the launcher to its end. */
export async function launch(args: string[], settings: LaunchSettings = {}): Promise<Finished> {
  await using launcher = new Launcher(args, settings);
  return await launcher.finished();
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** The processes that a process has started. */
export function childrenOf(pid: number): number[] {
  return Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ").filter((text) => text !== "")
    .map(Number);
}

/** Those of the processes that still live after at most `seconds`. */
export async function survivors(pids: number[], seconds = 2): Promise<number[]> {
  const deadline = performance.now() + seconds * 1000;
  while (pids.some(isAlive) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return pids.filter(isAlive);
}
