import { DeviceError } from "../errors.ts";

const FILTERS = ["validation", "out-of-memory", "internal"] as const;

/**
 * Collects what WebGPU reports out of band, so that it surfaces at the next `read` or `synchronize`: error scopes stay
 * open over all work, pipelines are checked one by one (their error names the shader), a lost device stays lost.
 */
export class ErrorMonitor {
  readonly #gpu: GPUDevice;
  readonly #name: string;
  #first: string | undefined;
  #lost: string | undefined;
  #pending: Promise<void>[] = [];

  constructor(gpu: GPUDevice, name: string) {
    this.#gpu = gpu;
    this.#name = name;
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#report(`${name} failed: ${(event as GPUUncapturedErrorEvent).error.message}`);
    });
    gpu.lost.then((info) => {
      this.#lost = `${name} was lost (${info.reason}): ${info.message}`;
    });
    this.#open();
  }

  /** Runs `build`, and reports a validation error that it causes as a failure of `what`. */
  watch<T>(what: string, build: () => T): T {
    this.#gpu.pushErrorScope("validation");
    try {
      return build();
    } finally {
      this.#pending.push(
        this.#gpu.popErrorScope().then((error) => {
          if (error) this.#report(`Cannot compile ${what} on ${this.#name}: ${error.message}`);
        }),
      );
    }
  }

  /**
   * Raises the first error since the last check.
   *
   * @throws {DeviceError} what failed, with WebGPU's message
   */
  async check(): Promise<void> {
    const compiled = this.#pending;
    this.#pending = [];
    const scopes = FILTERS.map(() => this.#gpu.popErrorScope());
    this.#open();
    await Promise.all(compiled);
    for (const error of await Promise.all(scopes)) {
      if (error) this.#report(`${this.#name} failed: ${error.message}`);
    }
    const failure = this.#lost ?? this.#first;
    this.#first = undefined;
    if (failure) throw new DeviceError(failure);
  }

  /**
   * Turns an exception of WebGPU into a DeviceError: the error that was reported out of band, if there is one.
   *
   * @throws {DeviceError} always
   */
  async explain(exception: unknown): Promise<never> {
    // A lost device is announced in a later turn of the event loop than the failures it causes.
    await new Promise((resolve) => setTimeout(resolve));
    await this.check();
    throw new DeviceError(`${this.#name} failed: ${(exception as Error).message}`, { cause: exception });
  }

  #open(): void {
    for (const filter of FILTERS) this.#gpu.pushErrorScope(filter);
  }

  #report(message: string): void {
    this.#first ??= message;
  }
}
