import { type Arithmetic, arithmetic } from "./simd.ts";

/** A generated function; its arguments are i32: addresses, counts, steps in bytes. */
export type WasmFunction = (...parameters: number[]) => void;

/** Builds the bytes of a module with one function from a small spec. */
export type Generator<Spec> = (spec: Spec, math: Arithmetic) => Uint8Array<ArrayBuffer>;

/** The generated kernels over one memory: each spec is compiled once. */
export class KernelCache {
  readonly #functions: Map<string, WasmFunction> = new Map();

  /** @param math the arithmetic to generate for; by default the best this engine has */
  constructor(readonly memory: WebAssembly.Memory, private readonly math: Arithmetic = arithmetic()) {}

  /** The function that `generate` builds from `spec`. */
  get<Spec>(generate: Generator<Spec>, spec: Spec): WasmFunction {
    const key = generate.name + JSON.stringify(spec);
    let compiled = this.#functions.get(key);
    if (compiled === undefined) {
      const module = new WebAssembly.Module(generate(spec, this.math));
      const instance = new WebAssembly.Instance(module, { env: { memory: this.memory } });
      compiled = Object.values(instance.exports)[0] as WasmFunction;
      this.#functions.set(key, compiled);
    }
    return compiled;
  }
}
