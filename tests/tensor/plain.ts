import { Tensor } from "../../src/tensor/mod.ts";
import { randomValues } from "../compute/oracle.ts";
import assert from "node:assert/strict";

/** An array of plain numbers: what tensor operations are compared with, value by value. */
export class Plain {
  constructor(readonly shape: readonly number[], readonly values: ArrayLike<number>) {}

  /** The array of f(index). */
  static build(shape: readonly number[], f: (index: readonly number[]) => number): Plain {
    return new Plain(shape, indicesOf(shape).map(f));
  }

  /** Reproducible values in [-1, 1). */
  static random(shape: readonly number[], seed = 1): Plain {
    return new Plain(shape, randomValues(shape.reduce((product, extent) => product * extent, 1), seed));
  }

  /** The value at an index, which is read from its end and clipped where this array is broadcast. */
  at(index: readonly number[]): number {
    const skipped = index.length - this.shape.length;
    let position = 0;
    this.shape.forEach((extent, d) => position = position * extent + (extent === 1 ? 0 : index[skipped + d]));
    return this.values[position];
  }

  /** As a tensor on the default device. */
  tensor(): Tensor {
    return Tensor.from(Float32Array.from(this.values), this.shape);
  }
}

/** All indices of a shape in row-major order. */
export function indicesOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (indices, extent) => indices.flatMap((index) => Array.from({ length: extent }, (_, i) => [...index, i])),
    [[]],
  );
}

/** Compares shape and values; NaN equals NaN. The tolerance is relative to the larger of 1 and the value. */
export async function assertPlain(
  actual: Tensor,
  expected: Plain,
  what: string,
  tolerance = 0,
): Promise<void> {
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  const values = await actual.data();
  assert.equal(values.length, expected.values.length, `${what}: number of values`);
  for (let i = 0; i < values.length; i++) {
    const wanted = Math.fround(expected.values[i]);
    const same = Object.is(values[i], wanted) || values[i] === wanted ||
      Math.abs(values[i] - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    assert.ok(same, `${what}: value ${i} is ${values[i]}, not ${wanted}`);
  }
}
