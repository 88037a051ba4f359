import type { IterationInfo } from "@deepinv/distributed";

/** A line that rewrites itself: iteration, residual, PSNR, and the time that is left. */
export class ProgressLine {
  readonly #begin = performance.now();
  readonly #encoder = new TextEncoder();

  /** Shows an iteration that has just ended. */
  show({ iteration, maxIter, residual, psnr }: IterationInfo): void {
    const width = 24;
    const done = Math.round((width * iteration) / maxIter);
    const bar = "█".repeat(done) + "░".repeat(width - done);
    const left = ((performance.now() - this.#begin) / 1000 / iteration) * (maxIter - iteration);
    const quality = psnr === undefined ? "" : `  PSNR ${psnr.toFixed(2)} dB`;
    const text = `${bar} ${iteration}/${maxIter}  residual ${residual.toExponential(2)}${quality}  ${
      left.toFixed(1)
    } s left`;
    this.#write(`\r${text.padEnd(90)}${iteration === maxIter ? "\n" : ""}`);
  }

  #write(text: string): void {
    Deno.stdout.writeSync(this.#encoder.encode(text));
  }
}
