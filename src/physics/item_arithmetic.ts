import { dotPerItem, entriesOf, type Signal } from "../tensor/signal.ts";
import { Tensor } from "../tensor/tensor.ts";
import { TensorList } from "../tensor/tensor_list.ts";

/** A linear map as solvers take it: what it returns is a signal of its own, disposed by the solver. */
export type LinearFunction<X extends Signal = Signal, Y extends Signal = X> = (x: X) => Promise<Y> | Y;

/** One number per batch item. */
export type ItemValues = ArrayLike<number>;

/** f(x), as a copy where f gave back x itself. */
export async function applied<X extends Signal, Y extends Signal>(
  f: LinearFunction<X, Y>,
  x: X,
): Promise<Y> {
  const result = await f(x);
  return (result as Signal) === x ? result.clone() as Y : result;
}

/** Zeros of a signal's shapes. */
export function zerosLike<S extends Signal>(signal: S): S {
  return mapped(signal, (entry) => Tensor.zeros(entry.shape, entry));
}

/** The inner product of each batch item over everything else. */
export async function dotItems(a: Signal, b: Signal): Promise<Float64Array> {
  using dots = dotPerItem(a, b);
  return Float64Array.from(await dots.data());
}

/** The Euclidean norm of each batch item over everything else. */
export async function normItems(a: Signal): Promise<Float64Array> {
  return (await dotItems(a, a)).map(Math.sqrt);
}

/** factor a, with one factor for each item. */
export function scaledItems<S extends Signal>(a: S, factor: ItemValues): S {
  return mapped(a, (entry) => {
    using shaped = asColumn(factor, entry);
    return entry.mul(shaped);
  });
}

/** a + factor b, with one factor for each item. */
export function plusScaled<S extends Signal>(a: S, b: S, factor: ItemValues): S {
  const others = entriesOf(a);
  return mapped(b, (entry, i) => {
    using shaped = asColumn(factor, entry);
    using scaled = entry.mul(shaped);
    return others[i].add(scaled);
  });
}

/** A signal that an iteration replaces step by step; the last one is freed with the holder, unless it was taken. */
export class Held<S extends Signal> implements Disposable {
  #value: S | undefined;

  /** Takes the signal over. */
  constructor(value: S) {
    this.#value = value;
  }

  /** The signal as it is now. */
  get value(): S {
    return this.#value!;
  }

  /** Frees the signal and takes over the next one. */
  set value(next: S) {
    this.#value?.dispose();
    this.#value = next;
  }

  /** Hands the signal over; the holder keeps none. */
  take(): S {
    const value = this.#value!;
    this.#value = undefined;
    return value;
  }

  /** Frees the signal. */
  [Symbol.dispose](): void {
    this.#value?.dispose();
  }
}

/** b - A x */
export async function residualOf<X extends Signal, Y extends Signal>(
  A: LinearFunction<X, Y>,
  x: X,
  b: Y,
): Promise<Y> {
  using Ax = await applied(A, x);
  const left = entriesOf(Ax);
  return mapped(b, (entry, i) => entry.sub(left[i]));
}

/** tol^2 ||b||^2 of each item, tol^2 where b is zero: what squared residuals are compared with. */
export async function squaredLimits(b: Signal, tol: number): Promise<Float64Array> {
  return (await dotItems(b, b)).map((square) => tol * tol * (square > 0 ? square : 1));
}

function mapped<S extends Signal>(signal: S, f: (entry: Tensor, index: number) => Tensor): S {
  return (signal instanceof TensorList ? signal.map(f) : f(signal, 0)) as S;
}

function asColumn(values: ItemValues, like: Tensor): Tensor {
  return Tensor.from(Float32Array.from(values), [values.length, ...like.shape.slice(1).map(() => 1)], like);
}
