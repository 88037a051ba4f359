import {
  bicgstab,
  Blur,
  conjugateGradient,
  gaussianBlur,
  InvalidArgumentError,
  leastSquares,
  type LinearPhysics,
  lsqr,
  minres,
  type SolverName,
  stack,
  Tensor,
  TensorList,
} from "../../src/physics/mod.ts";
import * as optim from "../../src/optim/mod.ts";
import { randomValues } from "../compute/oracle.ts";
import { assertGolden, image, largestDifference, onBothDevices } from "../golden.ts";
import { assertNothingLeaks } from "../tensor/leaks.ts";
import { Weights } from "./toys.ts";
import assert from "node:assert/strict";

const SOLVERS: readonly SolverName[] = ["CG", "lsqr", "BiCGStab", "minres"];

/** A dense matrix with its operator on rows (B, n) -> (B, m). */
class Dense {
  readonly values: Float32Array;
  readonly #matrix: Tensor;
  readonly #transposed: Tensor;

  constructor(readonly m: number, readonly n: number, values: ArrayLike<number>) {
    this.values = Float32Array.from(values);
    this.#matrix = Tensor.from(this.values, [m, n]);
    this.#transposed = this.#matrix.permute([1, 0]);
  }

  static random(m: number, n: number, seed: number, diagonal = 0): Dense {
    const values = randomValues(m * n, seed);
    for (let i = 0; i < Math.min(m, n); i++) values[i * n + i] += diagonal;
    return new Dense(m, n, values);
  }

  A = (x: Tensor): Tensor => x.matmul(this.#transposed);
  AT = (y: Tensor): Tensor => y.matmul(this.#matrix);

  at(i: number, j: number): number {
    return this.values[i * this.n + j];
  }

  /** A^T A + damping I, row-major. */
  normal(damping: number): number[][] {
    return Array.from(
      { length: this.n },
      (_, i) =>
        Array.from({ length: this.n }, (_, j) => {
          let sum = i === j ? damping : 0;
          for (let k = 0; k < this.m; k++) sum += this.at(k, i) * this.at(k, j);
          return sum;
        }),
    );
  }

  /** A^T y + damping z */
  right(y: ArrayLike<number>, z: ArrayLike<number>, damping: number): number[] {
    return Array.from({ length: this.n }, (_, j) => {
      let sum = damping * z[j];
      for (let i = 0; i < this.m; i++) sum += this.at(i, j) * y[i];
      return sum;
    });
  }
}

/** The solution of a square system in float64, by Gauss's elimination with pivots. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  const n = rows.length;
  for (let c = 0; c < n; c++) {
    const pivot = rows.reduce(
      (best, row, r) => r >= c && Math.abs(row[c]) > Math.abs(rows[best][c]) ? r : best,
      c,
    );
    [rows[c], rows[pivot]] = [rows[pivot], rows[c]];
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = rows[r][c] / rows[c][c];
      for (let k = c; k <= n; k++) rows[r][k] -= factor * rows[c][k];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

async function assertClose(actual: Tensor, expected: readonly number[], tolerance: number, what: string) {
  const values = await actual.data();
  const size = Math.hypot(...expected) || 1;
  const error = Math.hypot(...expected.map((value, i) => value - values[i])) / size;
  assert.ok(error <= tolerance, `${what}: relative error ${error}`);
}

onBothDevices(
  "every solver finds the damped solution of dense systems of any shape, item by item",
  async () => {
    for (const [m, n] of [[6, 6], [9, 5], [5, 9], [1, 1], [4, 1]]) {
      const dense = Dense.random(m, n, 10 * m + n, m === n ? 2 : 0);
      const y = randomValues(3 * m, 1), z = randomValues(3 * n, 2), gammas = [0.5, 2, 20];
      const expected = gammas.flatMap((gamma, item) =>
        solve(
          dense.normal(1 / gamma),
          dense.right(y.subarray(item * m, item * m + m), z.subarray(item * n, item * n + n), 1 / gamma),
        )
      );
      for (const solver of SOLVERS) {
        const options = {
          z: Tensor.from(z, [3, n]),
          gamma: Tensor.from(gammas),
          solver,
          maxIter: 60,
          tol: 1e-7,
        };
        const x = await leastSquares(dense.A, dense.AT, Tensor.from(y, [3, m]), options);
        await assertClose(x, expected, 1e-4, `${solver} ${m}x${n}`);
      }
    }
  },
);

onBothDevices(
  "without damping: the least-squares solution, that of least norm, or the square system's own",
  async () => {
    for (const [m, n] of [[6, 6], [10, 4], [4, 10]]) {
      const dense = Dense.random(m, n, 3, m === n ? 3 : 0);
      const y = randomValues(2 * m, 5);
      const items = [y.subarray(0, m), y.subarray(m)];
      const expected = items.flatMap((item) => {
        if (m >= n) return solve(dense.normal(0), dense.right(item, new Float32Array(n), 0));
        const turned = new Dense(
          n,
          m,
          Float32Array.from({ length: n * m }, (_, k) => dense.at(k % m, Math.floor(k / m))),
        );
        const u = solve(turned.normal(0), [...item]);
        return dense.right(u, new Float32Array(n), 0);
      });
      for (const solver of SOLVERS) {
        const x = await leastSquares(dense.A, dense.AT, Tensor.from(y, [2, m]), {
          solver,
          maxIter: 100,
          tol: 1e-7,
        });
        await assertClose(x, expected, 3e-4, `${solver} ${m}x${n}`);
      }
    }
  },
);

onBothDevices("square solvers: a matrix that is not symmetric, one that is indefinite", async () => {
  const skew = Dense.random(7, 7, 8, 3);
  const b = randomValues(14, 9);
  const right = Tensor.from(b, [2, 7]);
  const rowsOf = (dense: Dense) =>
    Array.from({ length: dense.m }, (_, i) => Array.from({ length: dense.n }, (_, j) => dense.at(i, j)));
  const exact = (
    dense: Dense,
  ) => [...solve(rowsOf(dense), [...b.subarray(0, 7)]), ...solve(rowsOf(dense), [...b.subarray(7)])];
  await assertClose(await bicgstab(skew.A, right, { tol: 1e-7 }), exact(skew), 1e-4, "BiCGStab");
  const half = randomValues(49, 4);
  const symmetric = new Dense(
    7,
    7,
    half.map((value, k) =>
      value + half[(k % 7) * 7 + Math.floor(k / 7)] + (k % 8 === 0 ? (k % 16 ? 3 : -3) : 0)
    ),
  );
  await assertClose(await minres(symmetric.A, right, { tol: 1e-7 }), exact(symmetric), 1e-4, "MINRES");
  for (const f of [bicgstab, minres]) {
    const near = Tensor.from(exact(symmetric), [2, 7]);
    const again = await f(symmetric.A, right, { init: near, tol: 1e-4 });
    await assertClose(again, exact(symmetric), 1e-3, `${f.name} from the solution`);
  }
});

onBothDevices("a right side of zeros gives zeros, also beside another item", async () => {
  const dense = Dense.random(5, 5, 6, 3);
  const zero = Tensor.zeros([2, 5]);
  const mixed = Tensor.from([0, 0, 0, 0, 0, 1, 2, 3, 4, 5], [2, 5]);
  for (const solver of SOLVERS) {
    const none = await leastSquares(dense.A, dense.AT, zero, { gamma: 3, solver });
    assert.equal(await none.abs().max().item(), 0, solver);
    const beside = await leastSquares(dense.A, dense.AT, mixed, { gamma: 3, solver });
    const [first, second] = [0, 1].map((item) => beside.slice([[item, item + 1]]));
    assert.equal(await first.abs().max().item(), 0, solver);
    await assertClose(
      second,
      solve(dense.normal(1 / 3), dense.right([1, 2, 3, 4, 5], [0, 0, 0, 0, 0], 0)),
      1e-4,
      solver,
    );
  }
});

onBothDevices("lists are solved with the Euclidean norm over all entries", async () => {
  const blurs = [1, 1.5, 2].map((sigma) =>
    new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" })
  );
  const physics = stack(...blurs);
  const x = image(2, 1, 10, 10);
  const y = await physics.A(x);
  for (const solver of SOLVERS) {
    const solved = await physics.prox_l2(0, y, 10, { solver, maxIter: 200, tol: 1e-7 });
    const left = (await physics.A_adjoint_A(solved)).addScaled(solved, 0.1);
    assert.ok(await largestDifference(left, await physics.A_adjoint(y)) < 2e-5, solver);
  }
  const start = await lsqr<TensorList>((v) => physics.A(v), (v) => physics.A_adjoint(v), y, {
    maxIter: 200,
    tol: 1e-6,
  });
  assert.ok(await largestDifference(await physics.A(start), y) < 1e-4);
  const pair = TensorList.from([Tensor.ones([2, 3]), Tensor.full([2, 4], 2)]);
  const diagonal = (v: TensorList) => v.mul(4);
  for (const f of [conjugateGradient<TensorList>, bicgstab<TensorList>, minres<TensorList>]) {
    const solved = await f(diagonal, pair, { tol: 1e-6 });
    assert.ok(await largestDifference(solved, pair.mul(0.25)) < 1e-6);
  }
});

onBothDevices("the solvers reach deepinv's solutions", async () => {
  const filter = gaussianBlur({ sigma: [1, 1.6], angle: 25, psfSize: [5, 5] });
  const blur = new Blur({ filter, padding: "circular" });
  const clean = await blur.A(image(1, 1, 16, 16));
  const ripple = Float32Array.from({ length: 256 }, (_, m) => 0.05 * Math.sin(3.1 * m));
  const y = clean.add(Tensor.from(ripple, clean.shape));
  const options = { maxIter: 10 };
  await assertGolden(await blur.A_dagger(y, { solver: "CG", ...options }), "solver.A_dagger.CG", 1e-4);
  await assertGolden(await blur.A_dagger(y, { solver: "lsqr", ...options }), "solver.A_dagger.lsqr", 1e-4);
  // deepinv gives MINRES the blur itself where image and measurements are of one size, without damping.
  const A = (x: Tensor) => blur.A(x);
  await assertGolden(await minres(A, y, { ...options, tol: 1e-4 }), "solver.A_dagger.minres", 1e-4);
});

onBothDevices(
  "prox_l2 and A_dagger take a solver by name; setLsSolver chooses one; nothing is remembered",
  async () => {
    const w = Float32Array.from({ length: 12 }, (_, k) => 0.5 + k / 8);
    const physics: LinearPhysics<Tensor> = new Weights(Tensor.from(w, [1, 1, 3, 4]));
    const values = randomValues(24, 3);
    const y = Tensor.from(values, [2, 1, 3, 4]);
    const expected = [...values].map((value, k) => (w[k % 12] * value + 0.5 / 2) / (w[k % 12] ** 2 + 1 / 2));
    for (const solver of [...SOLVERS, "cg", "LSQR", "bicgstab", "MINRES"] as SolverName[]) {
      await assertClose(
        await physics.prox_l2(0.5, y, 2, { solver, maxIter: 100, tol: 1e-7 }),
        expected,
        1e-4,
        solver,
      );
      const inverse = [...values].map((value, k) => value / w[k % 12]);
      await assertClose(
        await physics.A_dagger(y, { solver, maxIter: 100, tol: 1e-7 }),
        inverse,
        1e-3,
        solver,
      );
    }
    assert.equal(
      await largestDifference(await physics.prox_l2(null, y, 2), await physics.prox_l2(0, y, 2)),
      0,
    );
    const products = { A: 0 };
    const A = physics.A.bind(physics);
    physics.A = (x) => {
      products.A++;
      return A(x);
    };
    const count = async (options: object) => {
      products.A = 0;
      (await physics.prox_l2(0, y, 2, options)).dispose();
      return products.A;
    };
    const usual = await count({});
    assert.ok(await count({ maxIter: 1 }) < usual);
    assert.equal(await count({}), usual);
    physics.setLsSolver("lsqr", { maxIter: 2 });
    assert.ok(await count({}) < usual);
    assert.equal(await count({ solver: undefined, maxIter: undefined }), await count({}));
    await assert.rejects(
      () => physics.prox_l2(0, y, 1, { solver: "QR" as SolverName }),
      /solver must be one of CG, lsqr/,
    );
    assert.throws(() => physics.setLsSolver("QR" as SolverName), /got "QR"/);
  },
);

onBothDevices("solvers refuse what does not fit, and leave nothing behind", async () => {
  const dense = Dense.random(4, 4, 2, 3);
  using b = Tensor.ones([2, 4]);
  using wrong = Tensor.ones([2, 3]);
  await assertNothingLeaks(async () => {
    for (const eta of [-1, NaN]) {
      await assert.rejects(() => lsqr(dense.A, dense.AT, b, { eta }), /eta must be finite and >= 0/);
    }
    await assert.rejects(
      () => leastSquares(dense.A, dense.AT, b, { gamma: 0 }),
      /gamma must be > 0, a number or a tensor, got 0/,
    );
    await assert.rejects(
      () => leastSquares(dense.A, dense.AT, b, { gamma: 1, z: wrong }),
      /z must be of shape \(2, 4\)/,
    );
    for (const solver of SOLVERS) {
      (await leastSquares(dense.A, dense.AT, b, { gamma: 1, solver })).dispose();
      (await leastSquares(dense.A, dense.AT, b, { solver })).dispose();
      for (const failing of [1, 2, 4]) {
        let calls = 0;
        const A = (x: Tensor) => {
          if (++calls < failing) return dense.A(x);
          throw new InvalidArgumentError("test", "A", "well", "ill");
        };
        await assert.rejects(() => leastSquares(A, dense.AT, b, { gamma: 1, solver, tol: 0 }), /ill/);
      }
    }
  });
});

onBothDevices("conditionNumber and computeNorm find known singular values", async () => {
  const w = Float32Array.from({ length: 20 }, (_, k) => 0.5 * (1 + k * 9 / 19));
  const physics = new Weights(Tensor.from(w, [1, 1, 4, 5]));
  using x = Tensor.ones([1, 1, 4, 5]);
  const condition = await physics.conditionNumber(x);
  assert.ok(Math.abs(condition - 10) < 0.1, String(condition));
  const norm = await physics.computeNorm(x, { maxIter: 500, tol: 1e-6 });
  assert.ok(Math.abs(norm - 5) < 1e-2, String(norm));
  const squared = await physics.computeNorm(x, { maxIter: 500, tol: 1e-6, squared: true });
  assert.ok(Math.abs(squared - 25) < 0.1, String(squared));
  const flat = await new Weights(Tensor.full([1, 1, 4, 5], 3)).conditionNumber(x);
  assert.ok(Math.abs(flat - 1) < 1e-4, String(flat));
  assert.equal(await new Weights(Tensor.zeros([1, 1, 4, 5])).conditionNumber(x), 1);
});

Deno.test("the solvers are exported with the algorithms too", () => {
  for (const name of ["conjugateGradient", "bicgstab", "lsqr", "minres", "leastSquares"] as const) {
    assert.equal(typeof optim[name], "function");
  }
});
