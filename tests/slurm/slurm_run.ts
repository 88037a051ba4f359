/** A command that runs on the cluster, and what it printed so far. */

/** How a command ended. */
export interface SlurmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const LIMIT_MS = 40_000;

/** One running command; it is ended if it takes too long. */
export class SlurmRun {
  readonly #child: Deno.ChildProcess;
  readonly #done: Promise<SlurmResult>;
  /** What was printed so far. */
  stdout = "";
  /** What was reported so far. */
  stderr = "";

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#child = new Deno.Command(command, {
      args: [...args],
      env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#done = this.#collect();
  }

  /** Waits for its end. */
  result(): Promise<SlurmResult> {
    return this.#done;
  }

  /**
   * Waits for its end.
   *
   * @returns what it printed
   * @throws Error with all output if its exit code is not 0
   */
  async output(): Promise<string> {
    const { code, stdout, stderr } = await this.#done;
    if (code !== 0) throw new Error(`It ended with ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Waits until `condition` holds for what was printed so far, or its end. */
  async until(condition: (stdout: string) => boolean): Promise<void> {
    let ended = false;
    void this.#done.then(() => ended = true);
    while (!ended && !condition(this.stdout)) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #collect(): Promise<SlurmResult> {
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), LIMIT_MS);
    const read = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
    };
    await Promise.all([
      read(this.#child.stdout, (text) => this.stdout += text),
      read(this.#child.stderr, (text) => this.stderr += text),
    ]);
    const { code } = await this.#child.status;
    clearTimeout(timer);
    return { code, stdout: this.stdout, stderr: this.stderr };
  }
}
