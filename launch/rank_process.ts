/**
 * One running rank: its process in a session and process group of its own, its output, and how it ended.
 */
import type { JobOutput, StreamName } from "./output.ts";
import type { JobPlan, RankPlan } from "./plan.ts";

/** How a rank's process ended. */
export interface RankExit {
  rank: number;
  pid: number;
  /** Exit code; 128 + number for a signal. */
  code: number;
  signal: Deno.Signal | null;
  /** Milliseconds since the job's start. */
  atMs: number;
  /** Whether the launcher had told it to end before it did. */
  stopped: boolean;
}

/** How a rank ended, with what it said last. */
export interface RankEnd extends RankExit {
  /** The last bytes of its stderr, as text without colours. */
  stderrTail: string;
}

const TAIL_BYTES = 16 * 1024;
const READ_BYTES = 256 * 1024;
/** How long an ended rank's pipe must be silent before it is given up: a grandchild may hold it open for ever. */
const QUIET_MS = 200;
/** More than a pipe can hold: what comes after this many bytes was written after the rank's end. */
const LEFTOVER_BYTES = 2 ** 20;

class StreamPump {
  #reader: ReadableStreamBYOBReader;
  #waitingSince = 0;
  #bytes = 0;
  #ended = false;
  tail: Uint8Array = new Uint8Array(0);
  readonly done: Promise<void>;

  constructor(
    stream: ReadableStream<Uint8Array>,
    output: JobOutput,
    plan: RankPlan,
    readonly name: StreamName,
  ) {
    this.#reader = stream.getReader({ mode: "byob" });
    this.done = this.#run(output, plan);
  }

  async #run(output: JobOutput, plan: RankPlan): Promise<void> {
    using sink = await output.open(plan, this.name);
    for (let buffer = new ArrayBuffer(READ_BYTES);;) {
      this.#waitingSince = performance.now();
      const { value, done } = await this.#reader.read(new Uint8Array(buffer));
      this.#waitingSince = Infinity;
      if (done || value === undefined) return await sink.finish();
      buffer = value.buffer;
      this.#bytes += value.length;
      if (this.name === "stderr") this.#remember(value);
      await sink.write(value);
    }
  }

  #remember(chunk: Uint8Array): void {
    const joined = new Uint8Array(Math.min(TAIL_BYTES, this.tail.length + chunk.length));
    const fresh = chunk.subarray(Math.max(0, chunk.length - TAIL_BYTES));
    const kept = joined.length - fresh.length;
    joined.set(this.tail.subarray(this.tail.length - kept));
    joined.set(fresh, kept);
    this.tail = joined;
  }

  /** Reads what an ended process has left in the pipe, then stops. */
  async finish(): Promise<void> {
    const before = this.#bytes;
    const timer = setInterval(() => {
      const quiet = performance.now() - this.#waitingSince > QUIET_MS;
      if ((quiet || this.#bytes - before > LEFTOVER_BYTES) && !this.#ended) {
        this.#ended = true;
        void this.#reader.cancel();
      }
    }, QUIET_MS / 4);
    try {
      await this.done;
    } finally {
      clearInterval(timer);
    }
  }
}

/** The text of bytes without colour sequences and other controls. */
function plainText(bytes: Uint8Array): string {
  // deno-lint-ignore no-control-regex
  return new TextDecoder().decode(bytes).replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, "").replace(
    /[^\P{Cc}\n\t]/gu,
    "",
  );
}

/** A started rank. */
export class RankProcess {
  readonly pid: number;
  /** Resolves when the process has ended; its output may still be on its way. */
  readonly exited: Promise<RankExit>;
  /** Resolves when the process has ended, its output is written and its process group is gone. */
  readonly finished: Promise<void>;
  readonly #stderr: StreamPump;
  #exit: RankExit | null = null;
  #groupGone = false;
  #stopped = false;

  /** Starts a rank; `startedAt` is the job's start on the clock of `performance.now()`. */
  constructor(job: JobPlan, plan: RankPlan, output: JobOutput, startedAt: number) {
    const child = new Deno.Command(job.command, {
      args: plan.args,
      cwd: job.cwd,
      env: plan.env,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      detached: true,
    }).spawn();
    this.pid = child.pid;
    this.exited = child.status.then(({ code, signal }) => {
      const atMs = performance.now() - startedAt;
      return this.#exit = { rank: plan.rank, pid: child.pid, code, signal, atMs, stopped: this.#stopped };
    });
    const stdout = new StreamPump(child.stdout, output, plan, "stdout");
    this.#stderr = new StreamPump(child.stderr, output, plan, "stderr");
    this.finished = this.#finish([stdout, this.#stderr]);
  }

  /** How it ended, with what is known of its stderr so far; null while it runs. */
  get end(): RankEnd | null {
    return this.#exit && { ...this.#exit, stderrTail: plainText(this.#stderr.tail) };
  }

  /** Tells the rank and all it has started to end. Does nothing once it has ended. */
  stop(signal: "SIGTERM" | "SIGKILL"): void {
    this.#stopped = true;
    this.#signalGroup(signal);
    // A suspended process acts on TERM only when it goes on.
    if (signal === "SIGTERM" && Deno.build.os !== "windows") this.#signalGroup("SIGCONT");
  }

  async #finish(pumps: StreamPump[]): Promise<void> {
    // A stream that cannot be written on must be noticed at once, not at the rank's end.
    await Promise.race([this.exited, ...pumps.map((pump) => pump.done.then(() => this.exited))]);
    this.#signalGroup("SIGTERM");
    await Promise.all(pumps.map((pump) => pump.finish()));
    this.#signalGroup("SIGKILL");
    this.#groupGone = true;
  }

  #signalGroup(signal: "SIGTERM" | "SIGCONT" | "SIGKILL"): void {
    if (this.#groupGone) return;
    try {
      Deno.kill(Deno.build.os === "windows" ? this.pid : -this.pid, signal);
    } catch (error) {
      // The group is gone, or on macOS consists of zombies only; on Windows an ended process is a TypeError.
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return;
      if (error instanceof TypeError && Deno.build.os === "windows") return;
      throw error;
    }
  }
}
