import type { AxisTable } from "../compute/kernel.ts";
import { transposeTable } from "../tensor/ops/axis.ts";
import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";
import { RecentValues } from "./recent_values.ts";

/**
 * Differences between neighbours along an axis of n samples:
 *
 * - `forward`: x[i + 1] - x[i], 0 at the end;
 * - `backward`: x[i] - x[i - 1], 0 at the start.
 */
export type DifferenceRule = "forward" | "backward";

/** A difference and its adjoint. */
interface DifferencePair {
  readonly apply: AxisTable;
  readonly adjoint: AxisTable;
}

/** Pairs made before: devices keep what they uploaded for a table by its identity. */
const known = new RecentValues<DifferencePair>();

/** The differences along dimension `dim`, of x's shape. */
export function difference(x: Tensor, dim: number, rule: DifferenceRule): Tensor {
  return x.applyAlong(dim, tables(x.shape[dim], rule).apply);
}

/** The adjoint of {@link difference}. */
export function differenceAdjoint(v: Tensor, dim: number, rule: DifferenceRule): Tensor {
  return v.applyAlong(dim, tables(v.shape[dim], rule).adjoint);
}

/**
 * The discrete gradient of images: forward differences along the height, then along the width, 0 at the far border.
 *
 * @param x (B, C, H, W)
 * @returns (B, C, H, W, 2)
 * @throws {InvalidArgumentError} for another number of dimensions
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { nabla, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using x = Tensor.from([[1, 2, 4], [11, 12, 14]]).reshape([1, 1, 2, 3]);
 * using slopes = nabla(x);
 * assert.deepEqual(slopes.shape, [1, 1, 2, 3, 2]);
 * const component = (k: number) => slopes.slice([null, null, null, null, [k, k + 1]]).data();
 * assert.deepEqual([...await component(0)], [10, 10, 10, 0, 0, 0]); // downwards
 * assert.deepEqual([...await component(1)], [1, 2, 0, 1, 2, 0]); // to the right
 * ```
 */
export function nabla(x: Tensor): Tensor {
  if (x.shape.length !== 4) {
    throw new InvalidArgumentError("take a gradient", "x", "of shape (B, C, H, W)", formatShape(x.shape));
  }
  using vertical = difference(x, 2, "forward");
  using horizontal = difference(x, 3, "forward");
  return Tensor.stack([vertical, horizontal], 4);
}

/**
 * The adjoint of {@link nabla}: minus the discrete divergence.
 *
 * @param v (B, C, H, W, 2)
 * @returns (B, C, H, W)
 * @throws {InvalidArgumentError} for another shape
 *
 * @example Minus the Laplacian, and <nabla x, v> = <x, nabla^T v>
 * ```ts
 * import assert from "node:assert/strict";
 * import { nabla, nablaAdjoint, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * using impulse = Tensor.from([0, 0, 0, 0, 1, 0, 0, 0, 0], [1, 1, 3, 3]);
 * using laplacian = nablaAdjoint(nabla(impulse));
 * assert.deepEqual([...await laplacian.data()], [0, -1, 0, -1, 4, -1, 0, -1, 0]);
 * using x = Tensor.randn([1, 1, 5, 7], { seed: 1 }), v = Tensor.randn([1, 1, 5, 7, 2], { seed: 2 });
 * assert(Math.abs(await nabla(x).dot(v).item() - await x.dot(nablaAdjoint(v)).item()) < 1e-4);
 * ```
 */
export function nablaAdjoint(v: Tensor): Tensor {
  if (v.shape.length !== 5 || v.shape[4] !== 2) {
    throw new InvalidArgumentError(
      "apply a gradient's adjoint",
      "v",
      "of shape (B, C, H, W, 2)",
      formatShape(v.shape),
    );
  }
  const component = (k: number) => {
    using part = v.slice([null, null, null, null, [k, k + 1]]);
    return part.reshape(v.shape.slice(0, 4));
  };
  using vertical = component(0);
  using horizontal = component(1);
  return gradientAdjoint(vertical, horizontal);
}

/** The discrete gradient's components apart: forward differences along every spatial dimension, outermost first. */
export function gradient(x: Tensor): Tensor[] {
  return x.shape.slice(2).map((_, k) => difference(x, k + 2, "forward"));
}

/** The adjoint of {@link gradient}. */
export function gradientAdjoint(...components: readonly Tensor[]): Tensor {
  let sum: Tensor | undefined;
  for (const [k, component] of components.entries()) {
    const back = differenceAdjoint(component, k + 2, "forward");
    if (!sum) {
      sum = back;
      continue;
    }
    using before = sum;
    using term = back;
    sum = before.add(term);
  }
  return sum!;
}

function tables(length: number, rule: DifferenceRule): DifferencePair {
  return known.get(`${rule} ${length}`, () => {
    const apply = differenceTable(length, rule);
    return { apply, adjoint: transposeTable(apply) };
  });
}

function differenceTable(length: number, rule: DifferenceRule): AxisTable {
  const offsets = new Int32Array(length + 1);
  const indices: number[] = [], weights: number[] = [];
  for (let row = 0; row < length; row++) {
    const [minus, plus] = rule === "forward" ? [row, row + 1] : [row - 1, row];
    if (minus >= 0 && plus < length) {
      indices.push(minus, plus);
      weights.push(-1, 1);
    }
    offsets[row + 1] = indices.length;
  }
  return { columns: length, offsets, indices: Int32Array.from(indices), weights: Float32Array.from(weights) };
}
