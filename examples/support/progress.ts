import type { IterationInfo } from "@deepinv/distributed";

/** On a terminal, or under a launcher that is on one. */
const LIVE = Deno.stdout.isTerminal() || Deno.env.get("FORCE_COLOR") === "1";

/** Iteration, residual, PSNR and the time that is left: a line that rewrites itself on a terminal, lines elsewhere. */
export class ProgressLine {
  readonly #begin = performance.now();
  /** Iterations that were done before: those of the run that this one resumes. */
  #before: number | undefined;
  readonly #encoder = new TextEncoder();

  /** Shows an iteration that has just ended. */
  show({ iteration, maxIter, residual, psnr }: IterationInfo): void {
    this.#before ??= iteration - 1;
    const width = 24;
    const done = Math.round((width * iteration) / maxIter);
    const bar = "█".repeat(done) + "░".repeat(width - done);
    const left = ((performance.now() - this.#begin) / 1000 / (iteration - this.#before)) *
      (maxIter - iteration);
    const quality = psnr === undefined ? "" : `  PSNR ${psnr.toFixed(2)} dB`;
    const text = `${bar} ${iteration}/${maxIter}  residual ${residual.toExponential(2)}${quality}  ${
      left.toFixed(1)
    } s left`;
    if (LIVE) this.#write(`\r${text.padEnd(90)}${iteration === maxIter ? "\n" : ""}`);
    else this.#write(`${text}\n`);
  }

  #write(text: string): void {
    Deno.stdout.writeSync(this.#encoder.encode(text));
  }
}
