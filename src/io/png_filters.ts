/**
 * The five row filters of PNG. Each predicts byte x from a = the byte one pixel to the left, b = the byte above and
 * c = the one above a (0 outside the image) and stores the difference modulo 256: None 0, Sub a, Up b,
 * Average floor((a + b) / 2), Paeth the one of a, b, c nearest to a + b - c. https://www.w3.org/TR/png-3/#9Filters
 */

/** Number of filter types, 0 to 4. */
const FILTERS = 5;

/**
 * Restores a filtered row in place.
 *
 * @param type filter type, 0 to 4
 * @param row the filtered bytes, replaced by the original ones
 * @param above the restored row above, zeros for the first row of a pass
 * @param bpp bytes per whole pixel, at least 1
 * @returns false if there is no such filter type
 */
export function unfilterRow(type: number, row: Uint8Array, above: Uint8Array, bpp: number): boolean {
  const n = row.length;
  const head = Math.min(bpp, n);
  switch (type) {
    case 0:
      return true;
    case 1:
      for (let i = head; i < n; i++) row[i] += row[i - bpp];
      return true;
    case 2:
      for (let i = 0; i < n; i++) row[i] += above[i];
      return true;
    case 3:
      for (let i = 0; i < head; i++) row[i] += above[i] >> 1;
      for (let i = head; i < n; i++) row[i] += (row[i - bpp] + above[i]) >> 1;
      return true;
    case 4:
      for (let i = 0; i < head; i++) row[i] += above[i];
      for (let i = head; i < n; i++) row[i] += paeth(row[i - bpp], above[i], above[i - bpp]);
      return true;
    default:
      return false;
  }
}

/**
 * Writes the filtered row, its type byte first, with the type whose differences, taken as signed bytes, have the least
 * sum of magnitudes: the heuristic of the PNG specification for deflate.
 *
 * @param row the original bytes
 * @param above the original row above, zeros for the first row
 * @param bpp bytes per whole pixel
 * @param out receives 1 + row.length bytes
 */
export function filterRowAdaptively(row: Uint8Array, above: Uint8Array, bpp: number, out: Uint8Array): void {
  const trial = new Uint8Array(row.length);
  let least = Infinity;
  for (let type = 0; type < FILTERS; type++) {
    const cost = filterRow(type, row, above, bpp, trial);
    if (cost >= least) continue;
    least = cost;
    out[0] = type;
    out.set(trial, 1);
  }
}

function filterRow(type: number, row: Uint8Array, above: Uint8Array, bpp: number, out: Uint8Array): number {
  let cost = 0;
  for (let i = 0; i < row.length; i++) {
    const a = i < bpp ? 0 : row[i - bpp];
    const b = above[i];
    const c = i < bpp ? 0 : above[i - bpp];
    const difference = (row[i] - prediction(type, a, b, c)) & 255;
    out[i] = difference;
    cost += difference < 128 ? difference : 256 - difference;
  }
  return cost;
}

function prediction(type: number, a: number, b: number, c: number): number {
  switch (type) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return (a + b) >> 1;
    case 4:
      return paeth(a, b, c);
    default:
      return 0;
  }
}

function paeth(a: number, b: number, c: number): number {
  const estimate = a + b - c;
  const da = Math.abs(estimate - a);
  const db = Math.abs(estimate - b);
  const dc = Math.abs(estimate - c);
  if (da <= db && da <= dc) return a;
  return db <= dc ? b : c;
}
