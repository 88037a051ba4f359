/** A place in the plane. */
export type Place = readonly [number, number];

/**
 * Thin-plate splines (Duchon, 1977): for values v_i at places x_i, f(x) = sum_i w_i phi(|x - x_i|) + a + b . x with
 * phi(r) = r^2 log r is the smoothest function with f(x_i) = v_i.
 *
 * @param places at least three that are not on one line
 * @param values several functions' values at the places
 * @returns the functions' values at `targets`
 */
export function thinPlateSpline(
  places: readonly Place[],
  values: readonly ArrayLike<number>[],
  targets: readonly Place[],
): Float64Array[] {
  const n = places.length;
  const row = (at: Place) => [...places.map((place) => phi(at, place)), 1, at[0], at[1]];
  const matrix = places.map(row);
  for (let d = 0; d < 3; d++) {
    matrix.push([...places.map((place) => d === 0 ? 1 : place[d - 1]), 0, 0, 0]);
  }
  const weights = solve(matrix, values.map((v) => Array.from({ length: n + 3 }, (_, i) => i < n ? v[i] : 0)));
  const results = values.map(() => new Float64Array(targets.length));
  targets.forEach((target, t) => {
    const basis = row(target);
    weights.forEach((weight, k) => {
      let sum = 0;
      for (let i = 0; i < n + 3; i++) sum += weight[i] * basis[i];
      results[k][t] = sum;
    });
  });
  return results;
}

/** r^2 log r */
function phi(a: Place, b: Place): number {
  const square = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2;
  return square === 0 ? 0 : square * Math.log(square) / 2;
}

/** The solutions of M x = v for several v, by Gaussian elimination with the largest pivots of the columns. */
function solve(matrix: readonly number[][], rights: readonly number[][]): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...rights.map((right) => right[i])]);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(rows[r][c]) > Math.abs(rows[pivot][c])) pivot = r;
    [rows[c], rows[pivot]] = [rows[pivot], rows[c]];
    for (let r = 0; r < n; r++) {
      if (r === c || rows[r][c] === 0) continue;
      const factor = rows[r][c] / rows[c][c];
      for (let k = c; k < rows[r].length; k++) rows[r][k] -= factor * rows[c][k];
    }
  }
  return rights.map((_, k) => rows.map((row, i) => row[n + k] / row[i]));
}
