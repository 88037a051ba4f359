import type { MapFunction, MapKernel } from "../kernel.ts";
import type { Arena } from "./arena.ts";
import { kernelsOf } from "./kernel_cache.ts";
import { type LoopNest, loopNest } from "./loop_nest.ts";
import type { ThreadPool } from "./threads/pool.ts";
import { doWork, grainOf } from "./threads/shared_work.ts";
import { ELEMENTWISE, elementwise, type ElementwiseSpec, isSlow } from "./wasm/elementwise.ts";
import type { Kernels, WasmFunction } from "./wasm/kernels.ts";

/** Values per call: short calls let the engine replace its baseline code early, and threads find enough of them. */
const VALUES_PER_CALL = 1 << 14;
/** Values below which waking a thread takes longer than its share, for vector instructions and for imported functions. */
const WORTH_SHARING = { fast: 1 << 20, slow: 1 << 15 };

/** An operand's values. */
interface Operand {
  readonly array: Float32Array;
  readonly offset: number;
}

/**
 * Runs a {@link MapKernel}. Threads share large iteration spaces; every value is computed by the same instructions
 * whatever their number. Arrays outside the arena pass through its staging memory piece by piece.
 */
export function map(
  arena: Arena,
  kernel: MapKernel,
  inputs: readonly Float32Array[],
  output: Float32Array,
  pool?: ThreadPool,
): void {
  let total = 1;
  for (const extent of kernel.shape) total *= extent;
  if (total === 0) return;
  if (total <= VALUES_PER_CALL && mapPlain(arena, kernel, inputs, output, total)) return;
  const nest = loopNest(kernel);
  let inArena = arena.owns(output);
  const operands: Operand[] = [{ array: output, offset: kernel.output.offset }];
  for (let k = 0; k < kernel.inputs.length; k++) {
    operands.push({ array: inputs[k], offset: kernel.inputs[k].offset });
    inArena &&= arena.owns(inputs[k]);
  }
  if (!inArena) return mapStaged(arena, kernel, nest, operands);
  const starts = operands.map(({ array, offset }) => array.byteOffset + 4 * offset);
  const blocks = new Blocks(kernel, nest, starts);
  const cache = kernelsOf(arena);
  const worth = isSlow(kernel.fn) ? WORTH_SHARING.slow : WORTH_SHARING.fast;
  if (pool === undefined || total < worth || blocks.count === 1) return blocks.run(cache, 0, blocks.count);
  doWork(arena, cache, pool, {
    units: blocks.count,
    grain: grainOf(blocks.count, pool),
    scratchBytes: 0,
    run: (kernels, _scratch, first, end) => blocks.run(kernels, first, end),
  });
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** The bits of a value rounded to float32. */
function floatBits(value: number): number {
  float[0] = value;
  return word[0];
}

/** Bytes between the values of an operand that lie side by side, or are all the same one; -1 for others. */
function plainStep(shape: readonly number[], strides: readonly number[]): number {
  let isUnit = true, isSame = true;
  for (let d = shape.length - 1, stride = 1; d >= 0; stride *= shape[d--]) {
    if (shape[d] === 1) continue;
    if (strides[d] !== stride) isUnit = false;
    if (strides[d] !== 0) isSame = false;
  }
  return isUnit ? 4 : isSame ? 0 : -1;
}

const plainKernels: WeakMap<Arena, Map<MapFunction, WasmFunction[]>> = new WeakMap();

/** The way of small tensors, where every tenth of a microsecond counts: one call. Tells whether it can go it. */
function mapPlain(
  arena: Arena,
  { fn, shape, inputs: views, output: view, scalars }: MapKernel,
  inputs: readonly Float32Array[],
  output: Float32Array,
  total: number,
): boolean {
  if (!arena.owns(output) || plainStep(shape, view.strides) !== 4) return false;
  const steps = [0, 0, 0], starts = [0, 0, 0];
  let code = 0;
  for (let k = 0, digit = 2; k < inputs.length; k++, digit *= 3) {
    const step = plainStep(shape, views[k].strides);
    if (step < 0 || !arena.owns(inputs[k])) return false;
    if (step === 0) code += 2 * digit;
    steps[k] = step;
    starts[k] = inputs[k].byteOffset + 4 * views[k].offset;
  }
  let known = plainKernels.get(arena);
  if (known === undefined) plainKernels.set(arena, known = new Map());
  let own = known.get(fn);
  if (own === undefined) known.set(fn, own = new Array(54).fill(undefined));
  const run = own[code] ??= kernelsOf(arena).get(elementwise, ELEMENTWISE[fn][code]);
  const s = floatBits(scalars[0]), t = floatBits(scalars[1]);
  const to = output.byteOffset + 4 * view.offset;
  const count = inputs.length;
  if (count === 0) run(1, total, s, t, to, 0, 4);
  else if (count === 1) run(1, total, s, t, to, 0, 4, starts[0], 0, steps[0]);
  else if (count === 2) run(1, total, s, t, to, 0, 4, starts[0], 0, steps[0], starts[1], 0, steps[1]);
  else {
    const last = [starts[2], 0, steps[2]] as const;
    run(1, total, s, t, to, 0, 4, starts[0], 0, steps[0], starts[1], 0, steps[1], ...last);
  }
  return true;
}

/** The iteration space in blocks of some rows, or of parts of one row, each of which is one call. */
class Blocks {
  /** How many. */
  readonly count: number;
  readonly #spec: ElementwiseSpec;
  readonly #nest: LoopNest;
  readonly #starts: readonly number[];
  readonly #parameters: number[];
  readonly #rows: number;
  readonly #columns: number;
  readonly #rowBlocks: number;
  readonly #columnBlocks: number;

  /** @param starts the operands' addresses */
  constructor(kernel: MapKernel, nest: LoopNest, starts: readonly number[]) {
    const { shape, strides } = nest;
    this.#nest = nest;
    this.#starts = starts;
    const last = shape.length - 1;
    this.#columns = Math.min(shape[last], VALUES_PER_CALL);
    this.#rows = Math.min(shape[last - 1], Math.max(1, Math.floor(VALUES_PER_CALL / this.#columns)));
    this.#rowBlocks = Math.ceil(shape[last - 1] / this.#rows);
    this.#columnBlocks = Math.ceil(shape[last] / this.#columns);
    let outer = 1;
    for (let d = 0; d < last - 1; d++) outer *= shape[d];
    this.count = outer * this.#rowBlocks * this.#columnBlocks;
    let code = strides[0][last] === 1 ? 0 : 1;
    for (let k = 1, digit = 2; k < strides.length; k++, digit *= 3) {
      const step = strides[k][last];
      code += digit * (step === 1 ? 0 : step === 0 ? 2 : 1);
    }
    this.#spec = ELEMENTWISE[kernel.fn][code];
    this.#parameters = [0, 0, floatBits(kernel.scalars[0]), floatBits(kernel.scalars[1])];
    for (const own of strides) this.#parameters.push(0, 4 * own[last - 1], 4 * own[last]);
  }

  /** Computes blocks first <= u < end. */
  run(kernels: Kernels, first: number, end: number): void {
    const run = kernels.get(elementwise, this.#spec);
    const parameters = this.#parameters;
    const { shape, strides } = this.#nest;
    const last = shape.length - 1;
    for (let unit = first; unit < end; unit++) {
      const column = (unit % this.#columnBlocks) * this.#columns;
      let rest = Math.floor(unit / this.#columnBlocks);
      const row = (rest % this.#rowBlocks) * this.#rows;
      rest = Math.floor(rest / this.#rowBlocks);
      parameters[0] = Math.min(this.#rows, shape[last - 1] - row);
      parameters[1] = Math.min(this.#columns, shape[last] - column);
      for (let k = 0; k < strides.length; k++) {
        const own = strides[k];
        let at = row * own[last - 1] + column * own[last];
        for (let d = last - 2, outer = rest; d >= 0; d--) {
          at += (outer % shape[d]) * own[d];
          outer = Math.floor(outer / shape[d]);
        }
        parameters[4 + 3 * k] = this.#starts[k] + 4 * at;
      }
      run(...parameters);
    }
  }
}

/** Values of an operand that are staged at a time. */
const PIECE = 1 << 12;

/** The same, for arrays anywhere: pieces of rows are gathered side by side, computed and scattered. */
function mapStaged(arena: Arena, kernel: MapKernel, { shape, strides }: LoopNest, operands: Operand[]): void {
  const last = shape.length - 1;
  const pieces = operands.map((_, k) => arena.view(arena.staging + 4 * PIECE * k, PIECE));
  const rows = shape.slice(0, last).reduce((product, extent) => product * extent, 1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < shape[last]; column += PIECE) {
      const count = Math.min(PIECE, shape[last] - column);
      const starts = operands.map(({ offset }, k) => {
        let at = offset + column * strides[k][last];
        for (let d = last - 1, rest = row; d >= 0; rest = Math.floor(rest / shape[d--])) {
          at += (rest % shape[d]) * strides[k][d];
        }
        return at;
      });
      for (let k = 1; k < operands.length; k++) {
        const { array } = operands[k], step = strides[k][last];
        for (let i = 0; i < count; i++) pieces[k][i] = array[starts[k] + i * step];
      }
      const side = { offset: 0, strides: [1] };
      const views = { shape: [count], inputs: kernel.inputs.map(() => side), output: side };
      map(arena, { ...kernel, ...views }, pieces.slice(1), pieces[0]);
      for (let i = 0, to = starts[0]; i < count; i++, to += strides[0][last]) {
        operands[0].array[to] = pieces[0][i];
      }
    }
  }
}
