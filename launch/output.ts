/**
 * Where the ranks' output goes: whole lines on the launcher's own streams, in order, each write awaited so that a slow
 * reader slows the ranks down instead of filling memory; and, if asked, untouched bytes in one file per rank and stream.
 */
import { join } from "node:path";
import { concatBytes, LineAssembler } from "./lines.ts";
import { OrderedWriter, writeAll } from "./ordered_writer.ts";
import type { RankPlan } from "./plan.ts";
import type { Routes } from "./routes.ts";

/** The two output streams of a process. */
export type StreamName = "stdout" | "stderr";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ESCAPE = 0x1b;
const EMPTY = new Uint8Array(0);
const ERASE_LINE = encoder.encode("\r\x1b[K");

/** Cuts a line so that it does not wrap; one with escape sequences, whose width is unknown, is left alone. */
function fitToWidth(line: Uint8Array): Uint8Array {
  const columns = Deno.consoleSize().columns;
  if (columns === 0 || line.length < columns || line.includes(ESCAPE)) return line;
  return encoder.encode(decoder.decode(line).slice(0, columns - 1));
}

/**
 * The launcher's stdout and stderr. On a terminal the lowest line is kept for the progress line that one rank redraws with
 * carriage returns: it is erased before other lines are written and drawn again after them.
 */
export class Console {
  readonly terminal: boolean = Deno.stdout.isTerminal() && Deno.stderr.isTerminal();
  // One queue for both streams of a terminal, so that nothing comes between a line and the progress line.
  readonly #stdout = new OrderedWriter(Deno.stdout);
  readonly #stderr = this.terminal ? this.#stdout : new OrderedWriter(Deno.stderr);
  #status: Uint8Array = EMPTY;

  /** Writes whole lines; resolves once there is room for more. Rejects where the stream's reader has gone. */
  write(stream: StreamName, lines: Uint8Array): Promise<void> {
    const writer = stream === "stdout" ? this.#stdout : this.#stderr;
    return writer.write(this.#status.length === 0 ? lines : concatBytes([ERASE_LINE, lines, this.#status]));
  }

  /** Draws the progress line anew; an empty one removes it. Only for a terminal. */
  drawStatus(line: Uint8Array): Promise<void> {
    this.#status = fitToWidth(line);
    return this.#stdout.write(concatBytes([ERASE_LINE, this.#status]));
  }

  /** Resolves once everything is written. */
  async flush(): Promise<void> {
    await Promise.all([this.#stdout.flush(), this.#stderr.flush()]);
  }
}

/** How the streams of a job's ranks are shown and stored. */
export class JobOutput {
  readonly #console: Console;
  readonly #prefix: boolean;
  readonly #logDir: string | null;
  readonly #routes: readonly Routes[];
  readonly #append: boolean;
  readonly #width: number;

  /**
   * @param console the launcher's streams
   * @param worldSize the number of ranks, which sets the width of prefixes and file names
   * @param options whether lines carry their rank; where the log files go, an existing directory; which streams of each
   * local rank go where; whether to append to the log files
   */
  constructor(
    console: Console,
    worldSize: number,
    options: { prefix: boolean; logDir: string | null; routes: readonly Routes[]; append: boolean },
  ) {
    this.#console = console;
    this.#prefix = options.prefix;
    this.#logDir = options.logDir;
    this.#routes = options.routes;
    this.#append = options.append;
    this.#width = String(worldSize - 1).length;
  }

  /** Opens the way out for one stream of one rank. */
  async open({ rank, localRank }: RankPlan, stream: StreamName): Promise<StreamOutput> {
    const route = this.#routes[localRank][stream];
    const label = String(rank).padStart(this.#width);
    const file = this.#logDir === null || !route.file ? null : await Deno.open(
      join(this.#logDir, `rank${label.replaceAll(" ", "0")}.${stream}.log`),
      this.#append ? { create: true, append: true } : { create: true, write: true, truncate: true },
    );
    if (!route.console) return new StreamOutput(null, file);
    const assembler = new LineAssembler(this.#prefix ? encoder.encode(`[${label}] `) : EMPTY);
    const showsProgress = localRank === 0 && this.#console.terminal;
    return new StreamOutput(new ConsoleLines(this.#console, stream, assembler, showsProgress), file);
  }
}

/** Puts the bytes of one stream on the console, line by line. */
class ConsoleLines {
  #progressShown = false;

  constructor(
    readonly console: Console,
    readonly stream: StreamName,
    readonly assembler: LineAssembler,
    readonly showsProgress: boolean,
  ) {}

  async write(chunk: Uint8Array): Promise<void> {
    const lines = this.assembler.push(chunk);
    if (this.showsProgress) await this.#updateProgress(this.assembler.redrawnLine());
    if (lines.length > 0) await this.console.write(this.stream, lines);
  }

  async finish(): Promise<void> {
    const rest = this.assembler.flush();
    if (this.showsProgress) await this.#updateProgress(null);
    if (rest.length > 0) await this.console.write(this.stream, rest);
  }

  async #updateProgress(line: Uint8Array | null): Promise<void> {
    if (line === null && !this.#progressShown) return;
    this.#progressShown = line !== null;
    await this.console.drawStatus(line ?? EMPTY);
  }
}

/** The way out for one stream of one rank; made by {@linkcode JobOutput.open}. */
export class StreamOutput implements Disposable {
  readonly #lines: ConsoleLines | null;
  readonly #file: Deno.FsFile | null;

  /**
   * @param lines the way to the console, or null
   * @param file the log file, or null
   */
  constructor(lines: ConsoleLines | null, file: Deno.FsFile | null) {
    this.#lines = lines;
    this.#file = file;
  }

  /** Passes on a chunk; resolves once there is room for more. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#file) await writeAll(this.#file, chunk);
    await this.#lines?.write(chunk);
  }

  /** Writes the unfinished last line. */
  async finish(): Promise<void> {
    await this.#lines?.finish();
  }

  /** Closes the log file. */
  [Symbol.dispose](): void {
    this.#file?.close();
  }
}
