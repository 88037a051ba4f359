/**
 * The signals that ask the launcher to end: SIGINT (Ctrl-C), SIGTERM, SIGHUP.
 */
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A signal that asks the launcher to end. */
export type InterruptSignal = keyof typeof SIGNAL_NUMBERS;

/** Listens until disposed; the first signal asks for an orderly end, the second for an immediate one. */
export class Interrupts implements Disposable {
  readonly #first = Promise.withResolvers<InterruptSignal>();
  readonly #second = Promise.withResolvers<InterruptSignal>();
  readonly #handlers: [InterruptSignal, () => void][] = [];
  #count = 0;

  /** Begins to listen. */
  constructor() {
    const names: InterruptSignal[] = Deno.build.os === "windows"
      ? ["SIGINT"]
      : ["SIGINT", "SIGTERM", "SIGHUP"];
    for (const name of names) {
      const handler = () => (this.#count++ === 0 ? this.#first : this.#second).resolve(name);
      Deno.addSignalListener(name, handler);
      this.#handlers.push([name, handler]);
    }
  }

  /** Whether a signal has arrived. */
  get received(): boolean {
    return this.#count > 0;
  }

  /** Resolves with the first signal. */
  get first(): Promise<InterruptSignal> {
    return this.#first.promise;
  }

  /** Resolves with the second signal. */
  get second(): Promise<InterruptSignal> {
    return this.#second.promise;
  }

  /** Stops listening: signals have their default effect again. */
  [Symbol.dispose](): void {
    for (const [name, handler] of this.#handlers) Deno.removeSignalListener(name, handler);
  }
}

/** The exit code of a process that a signal ended: 128 + its number. */
export function exitCodeOf(signal: InterruptSignal): number {
  return 128 + SIGNAL_NUMBERS[signal];
}
