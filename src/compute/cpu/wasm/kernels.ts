import { type Arithmetic, arithmetic } from "./simd.ts";

/** A generated function; its arguments are i32: addresses, counts, steps in bytes. */
export type WasmFunction = (...parameters: number[]) => void;

/** Functions that kernels may import; the engine calls its own code for them. */
const MATH = { exp: Math.exp, log: Math.log, sin: Math.sin, cos: Math.cos, pow: Math.pow };

/** Builds the bytes of a module with one function from a small spec. */
export type Generator<Spec> = (spec: Spec, math: Arithmetic) => Uint8Array<ArrayBuffer>;

/** Where algorithms get their kernels from. */
export interface Kernels {
  /** The function that `generate` builds from `spec`, an object; found soonest when it is frozen and always the same. */
  get<Spec>(generate: Generator<Spec>, spec: Spec): WasmFunction;
}

/** A kernel with the module that it came from. */
export interface CompiledKernel {
  /** Runs it on the calling thread. */
  readonly run: WasmFunction;
  /** Its module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The generated kernels over one memory: each spec is compiled once. */
export class KernelCache implements Kernels {
  readonly #compiled: Map<string, CompiledKernel> = new Map();
  /** By frozen specs, which cannot change: found without spelling them out. */
  readonly #frozen: Map<unknown, WeakMap<object, CompiledKernel>> = new Map();

  /** @param math the arithmetic to generate for; by default the best this engine has */
  constructor(readonly memory: WebAssembly.Memory, private readonly math: Arithmetic = arithmetic()) {}

  get<Spec>(generate: Generator<Spec>, spec: Spec): WasmFunction {
    return this.compiled(generate, spec).run;
  }

  /** As {@link get}, with the module's bytes. */
  compiled<Spec>(generate: Generator<Spec>, spec: Spec): CompiledKernel {
    return Object.isFrozen(spec) ? this.#byIdentity(generate, spec) : this.#byText(generate, spec);
  }

  #byIdentity<Spec>(generate: Generator<Spec>, spec: Spec): CompiledKernel {
    let known = this.#frozen.get(generate);
    if (known === undefined) this.#frozen.set(generate, known = new WeakMap());
    let compiled = known.get(spec as object);
    if (compiled === undefined) known.set(spec as object, compiled = this.#byText(generate, spec));
    return compiled;
  }

  #byText<Spec>(generate: Generator<Spec>, spec: Spec): CompiledKernel {
    const key = generate.name + JSON.stringify(spec);
    let compiled = this.#compiled.get(key);
    if (compiled === undefined) {
      const bytes = generate(spec, this.math);
      const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
        env: { memory: this.memory, ...MATH },
      });
      compiled = { run: Object.values(instance.exports)[0] as WasmFunction, bytes };
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }
}
