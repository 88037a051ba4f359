import type { CompiledKernel, Generator, KernelCache, Kernels, WasmFunction } from "../wasm/kernels.ts";
import { CONTROL } from "./worker_main.ts";

/**
 * Addresses from here on stand for the calling thread's scratch memory: address - SCRATCH bytes from its start. No
 * 32-bit address or distance is as large.
 */
export const SCRATCH = 2 ** 33;

/** Thrown while a job is written that has more calls than the control block holds. */
export class JobTooLong extends Error {}

/** Modules that threads know, by the numbers under which jobs name them. */
export class KernelTable {
  readonly #ids: Map<CompiledKernel, number> = new Map();
  readonly #kernels: CompiledKernel[] = [];
  #end = 0;

  constructor(private readonly control: Int32Array, private readonly code: Uint8Array) {}

  /** The kernel's number; its module is published on first use. */
  id(kernel: CompiledKernel): number {
    let id = this.#ids.get(kernel);
    if (id === undefined) {
      id = this.#kernels.length;
      const { length } = kernel.bytes;
      if (CONTROL.kernels + 2 * id >= CONTROL.offsets || this.#end + length > this.code.length) {
        throw new RangeError("Cannot run on several threads: too many different layers on one device");
      }
      this.code.set(kernel.bytes, this.#end);
      this.control[CONTROL.kernels + 2 * id] = this.#end;
      this.control[CONTROL.kernels + 2 * id + 1] = length;
      this.#end += length;
      this.#ids.set(kernel, id);
      this.#kernels.push(kernel);
    }
    return id;
  }

  /** The function with number `id`, for the main thread. */
  run(id: number): WasmFunction {
    return this.#kernels[id].run;
  }
}

/** Writes a job down: stands in for {@link KernelCache}, and appends calls to the open task instead of making them. */
export class JobWriter implements Kernels {
  #at: number = CONTROL.calls;
  #task = 0;
  #tasks = 0;

  constructor(
    private readonly control: Int32Array,
    private readonly cache: KernelCache,
    private readonly table: KernelTable,
  ) {}

  /** Tasks so far. */
  get tasks(): number {
    return this.#tasks;
  }

  /** Opens the next task. */
  beginTask(): void {
    this.control[CONTROL.offsets + this.#tasks++] = this.#at;
    this.#task = this.#at++;
    this.control[this.#task] = 0;
  }

  get<Spec>(generate: Generator<Spec>, spec: Spec): WasmFunction {
    const id = this.table.id(this.cache.compiled(generate, spec));
    const { control } = this;
    return (...parameters) => {
      const count = parameters.length;
      if (this.#at + count + 3 > control.length) throw new JobTooLong();
      const head = this.#at;
      let layout = count;
      for (let i = 0; i < count; i++) {
        const value = parameters[i];
        if (value >= SCRATCH) {
          layout |= 256 << i;
          control[head + 2 + i] = value - SCRATCH;
        } else control[head + 2 + i] = value;
      }
      control[head] = id;
      control[head + 1] = layout;
      this.#at = head + 2 + count;
      control[this.#task]++;
    };
  }
}
