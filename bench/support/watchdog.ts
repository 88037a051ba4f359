/** What the thread does: after `ms` without word it prints `text` and ends the process, whose main thread may be stuck. */
const SOURCE = `let timer;
onmessage = ({ data }) => {
  clearTimeout(timer);
  if (data === null) return;
  timer = setTimeout(() => {
    Deno.stdout.writeSync(new TextEncoder().encode(data.text));
    Deno.kill(Deno.pid, "SIGKILL");
  }, data.ms);
};`;

/** Kept from the start: packages of peers put Node's class in its place. */
const WebWorker = Worker;

/** Ends a benchmark whose peer holds the main thread for too long: a timer of that thread would never fire. */
export class Watchdog implements Disposable {
  readonly #worker = new WebWorker(URL.createObjectURL(new Blob([SOURCE])), { type: "module" });

  /** From now on `text` is printed and the process ended after so many seconds, unless {@link calm} comes first. */
  watch(seconds: number, text: string): void {
    this.#worker.postMessage({ ms: 1000 * seconds, text });
  }

  /** Stops watching. */
  calm(): void {
    this.#worker.postMessage(null);
  }

  /** Ends the thread. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}
