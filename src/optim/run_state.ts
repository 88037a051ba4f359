import { locationName, readBytes, writeBytes } from "../io/files.ts";
import { decodeSafetensors } from "../io/safetensors_decode.ts";
import { encodeSafetensors, type SafetensorsInput } from "../io/safetensors_encode.ts";
import { entriesOf, type Signal } from "../tensor/signal.ts";
import { Tensor, type TensorOptions } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { RunMetrics } from "./run_types.ts";

/** What a run remembers besides tensors. */
export interface RunProgress {
  /** The algorithm's name. */
  readonly algorithm: string;
  /** Iterations done. */
  readonly iteration: number;
  /** What the stepsize is multiplied by: less than 1 after backtracking. */
  readonly stepsizeFactor: number;
  /** Steps that backtracking refused since the last one that it let pass. */
  readonly rejections: number;
  /** The cost of the image, one value per item, where the prior is explicit. */
  readonly costs?: readonly number[];
  /** The value of the criterion for an early stop. */
  readonly criterion?: number;
  /** How the iterations went so far. */
  readonly metrics: RunMetrics;
}

/** The entry of a file that holds the progress, as JSON. */
const PROGRESS = "progress";

/**
 * The whole state of a run after an iteration: with it as `resumeFrom`, a run goes on as if it had never ended, to the
 * last bit. It is kept in memory, or in a safetensors file.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Denoising, FISTA, L2, openDevice, RunState } from "@deepinv/distributed";
 * import { setDefaultDevice, Tensor, TVPrior } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const y = Tensor.randn([1, 1, 16, 16], { seed: 1 });
 * const prior = new TVPrior({ nItMax: 20 });
 * const algorithm = new FISTA({ dataFidelity: new L2(), prior, lambda: 0.1, maxIter: 6 });
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * const whole = await algorithm.run(y, new Denoising(), {
 *   onIteration: async ({ iteration, state }) => {
 *     if (iteration === 3) await state.save(path);
 *   },
 * });
 * const resumed = await algorithm.run(y, new Denoising(), { resumeFrom: await RunState.load(path) });
 * assert.deepEqual(await resumed.x.data(), await whole.x.data()); // to the last bit
 * await Deno.remove(path);
 * ```
 */
export class RunState implements Disposable {
  /** Where the run is. */
  readonly progress: RunProgress;
  /** Named tensors and lists of tensors, such as `x`; with the algorithm's own and what its accelerator and prior keep. */
  readonly signals: ReadonlyMap<string, Signal>;

  /** Made by an algorithm, for the time of `onIteration`; it owns its signals if it was loaded, decoded or cloned. */
  constructor(progress: RunProgress, signals: ReadonlyMap<string, Signal>) {
    this.progress = progress;
    this.signals = signals;
  }

  /** Iterations done. */
  get iteration(): number {
    return this.progress.iteration;
  }

  /** A copy of its own, which stays valid after the iteration. */
  clone(): RunState {
    const copies = new Map<string, Signal>();
    for (const [name, signal] of this.signals) copies.set(name, signal.clone());
    return new RunState(structuredClone(this.progress), copies);
  }

  /** The state as a safetensors file's bytes, for example to broadcast. */
  async encode(): Promise<Uint8Array<ArrayBuffer>> {
    const tensors = new Map<string, SafetensorsInput>();
    for (const [name, signal] of this.signals) {
      for (const [i, entry] of entriesOf(signal).entries()) {
        const key = signal instanceof Tensor ? name : `${name}[${i}]`;
        tensors.set(key, { shape: entry.shape, data: await entry.data() });
      }
    }
    const json = new TextEncoder().encode(JSON.stringify(this.progress, spell));
    tensors.set(PROGRESS, { shape: [json.length], data: Float32Array.from(json), dtype: "U8" });
    const { algorithm, iteration } = this.progress;
    return encodeSafetensors(tensors, { algorithm, iteration: String(iteration) });
  }

  /**
   * Saves the state as a safetensors file. The file gets its name only once it is whole, so that a run that ends in the
   * middle of a save leaves the one before.
   *
   * @throws {FileError} when it cannot be written
   */
  async save(path: string): Promise<void> {
    const unfinished = `${path}.unfinished`;
    await writeBytes(unfinished, await this.encode());
    await Deno.rename(unfinished, path);
  }

  /**
   * The state in the bytes of {@link encode}.
   *
   * @param source names the bytes in errors
   * @throws {SafetensorsError} when they are no safetensors file
   * @throws {InvalidArgumentError} when they hold no run's state
   */
  static decode(bytes: Uint8Array<ArrayBuffer>, options: TensorOptions & { source?: string } = {}): RunState {
    const { source = "the bytes" } = options;
    const entries = decodeSafetensors(bytes, source);
    const json = entries.get(PROGRESS);
    if (!json || !entries.has("x")) {
      throw new InvalidArgumentError("resume a run", source, "a saved run's state", `${[...entries.keys()]}`);
    }
    const progress: RunProgress = JSON.parse(
      new TextDecoder().decode(Uint8Array.from(json.data)),
      unspell,
    );
    const lists = new Map<string, Tensor[]>(), signals = new Map<string, Signal>();
    const names = [...entries.keys()].filter((name) => name !== PROGRESS);
    const place = (name: string) => Number(/\[(\d+)\]$/.exec(name)?.[1] ?? -1);
    for (const name of names.sort((a, b) => place(a) - place(b))) {
      const { data, shape } = entries.get(name)!;
      const tensor = Tensor.from(data, shape, options);
      if (place(name) < 0) signals.set(name, tensor);
      else lists.set(listName(name), [...lists.get(listName(name)) ?? [], tensor]);
    }
    for (const [name, tensors] of lists) signals.set(name, TensorList.from(tensors));
    return new RunState(progress, signals);
  }

  /**
   * Loads a saved state.
   *
   * @param location a path or URL
   * @throws {FileError} when it cannot be read
   * @throws {SafetensorsError} when it is no safetensors file
   * @throws {InvalidArgumentError} when it holds no run's state
   */
  static async load(location: string | URL, options: TensorOptions = {}): Promise<RunState> {
    return RunState.decode(await readBytes(location), { ...options, source: locationName(location) });
  }

  /** Frees the tensors of a state that was loaded, decoded or cloned. */
  dispose(): void {
    for (const signal of this.signals.values()) signal.dispose();
  }

  /** Same as {@link dispose}, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** JSON knows no infinity and no NaN. */
function spell(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function unspell(_key: string, value: unknown): unknown {
  return value === "Infinity" || value === "-Infinity" || value === "NaN" ? Number(value) : value;
}

function listName(name: string): string {
  return name.replace(/\[\d+\]$/, "");
}
