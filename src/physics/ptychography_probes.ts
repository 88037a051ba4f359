import { Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** By how many rows and columns a probe is moved. */
export type ProbeShift = readonly [rows: number, columns: number];

/** Radius of the default probe, in pixels. */
const RADIUS = 10;

/**
 * deepinv's positions: a square grid whose coordinates run evenly from floor(-W / 2) to floor(W / 2), rounded towards 0;
 * the rows vary fastest.
 *
 * @param extents height and width of the images, whole numbers >= 1; the width spans the grid
 * @param count a square number; default 25
 * @throws {InvalidArgumentError} when the width is not a whole number >= 1, or the count not a square number >= 1
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { ptychographyShifts } from "@deepinv/distributed";
 *
 * const shifts = ptychographyShifts([32, 32], 9); // a 3 x 3 grid
 * assert.deepEqual(shifts.slice(0, 4), [[-16, -16], [0, -16], [16, -16], [-16, 0]]); // [rows, columns]
 * ```
 */
export function ptychographyShifts([, width]: readonly [number, number], count = 25): ProbeShift[] {
  const side = Math.round(Math.sqrt(count));
  if (!(side >= 1) || side * side !== count) {
    throw new InvalidArgumentError("place probes on a grid", "count", "a square number >= 1", String(count));
  }
  if (!Number.isInteger(width) || width < 1) {
    throw new InvalidArgumentError(
      "place probes on a grid",
      "the width",
      "a whole number >= 1",
      String(width),
    );
  }
  const first = Math.floor(-width / 2), last = Math.floor(width / 2);
  const coordinates = Array.from(
    { length: side },
    (_, k) => Math.trunc(side === 1 ? first : first + (last - first) * k / (side - 1)) + 0,
  );
  return coordinates.flatMap((columns) => coordinates.map((rows) => [rows, columns] as const));
}

/**
 * A disc of ones: the pixels less than `radius` away from (floor(H / 2), floor(W / 2)).
 *
 * @param radius in pixels, >= 0; default 10
 * @returns (H, W), on the default device
 * @throws {InvalidArgumentError} when the extents are not whole numbers >= 0, or the radius is negative
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { discProbe, openDevice, Ptychography, setDefaultDevice, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const probe = discProbe([16, 16], 2);
 * assert.equal(await probe.sum().item(), 9); // the centre and its eight neighbours
 *
 * const scan = new Ptychography({ imgSize: [2, 16, 16], probe, shifts: [[0, 0], [0, 4]] });
 * const y = await scan.A(Tensor.randn([1, 2, 16, 16], { seed: 1 }));
 * assert.deepEqual(y.shape, [1, 2, 16, 16]); // one diffraction pattern per shift
 * ```
 */
export function discProbe([height, width]: readonly [number, number], radius = RADIUS): Tensor {
  if (!(radius >= 0)) throw new InvalidArgumentError("draw a disc", "radius", ">= 0", String(radius));
  const values = Float32Array.from({ length: height * width }, (_, k) => {
    const row = Math.floor(k / width) - Math.floor(height / 2), column = k % width - Math.floor(width / 2);
    return Math.hypot(row, column) < radius ? 1 : 0;
  });
  return Tensor.from(values, [height, width]);
}

/**
 * The probe moved by every shift, zeros entering, and divided by sqrt(mean of sum_i |p_i|^2); all zeros where no light falls
 * on the image.
 *
 * @param probe (H, W) or (1, H, W) if real, (2, H, W) if complex; default {@link discProbe}
 * @returns (2, shifts, H, W)
 * @throws {InvalidArgumentError} for another shape, no shifts, and shifts that are not whole numbers
 */
export function normalisedProbes(
  action: string,
  extents: readonly [number, number],
  shifts: readonly ProbeShift[],
  probe?: Tensor,
): Tensor {
  if (shifts.length === 0 || !shifts.every((shift) => shift.length === 2 && shift.every(Number.isInteger))) {
    throw new InvalidArgumentError(
      action,
      "shifts",
      "at least one pair of whole numbers",
      JSON.stringify(shifts),
    );
  }
  using complex = complexProbe(action, extents, probe);
  const moved = shifts.map((shift) => shifted(complex, shift));
  try {
    using probes = Tensor.stack(moved, 1);
    using norm = probes.norm();
    using dark = norm.equal(0);
    using meanRoot = norm.mul(1 / Math.sqrt(extents[0] * extents[1]));
    using divisor = meanRoot.add(dark);
    return probes.div(divisor);
  } finally {
    moved.forEach((part) => part.dispose());
  }
}

/** A probe as (2, H, W). */
function complexProbe(action: string, extents: readonly [number, number], probe?: Tensor): Tensor {
  if (!probe) {
    using disc = discProbe(extents);
    return withoutImaginary(disc);
  }
  const channels = probe.shape.length === 2 ? 1 : probe.shape[0];
  const fits = formatShape(probe.shape.slice(-2)) === formatShape(extents) && probe.shape.length <= 3 &&
    (channels === 1 || channels === 2);
  if (!fits) {
    const [height, width] = extents;
    throw new InvalidArgumentError(
      action,
      "probe",
      `of shape (${height}, ${width}), (1, ${height}, ${width}) or (2, ${height}, ${width})`,
      formatShape(probe.shape),
    );
  }
  return channels === 2 ? probe.clone() : withoutImaginary(probe);
}

function withoutImaginary(probe: Tensor): Tensor {
  using real = probe.reshape([1, ...probe.shape.slice(-2)]);
  using imaginary = Tensor.zeros(real.shape, real);
  return Tensor.cat([real, imaginary], 0);
}

/** The probe moved down by `rows` and right by `columns`, zeros entering. */
function shifted(probe: Tensor, shift: ProbeShift): Tensor {
  const extents = probe.shape.slice(1);
  if (shift.some((by, d) => Math.abs(by) >= extents[d])) return Tensor.zeros(probe.shape, probe);
  using kept = probe.slice([
    null,
    ...shift.map((by, d) => [Math.max(0, -by), extents[d] - Math.max(0, by)] as const),
  ]);
  return kept.pad(shift.map((by) => [Math.max(0, by), Math.max(0, -by)] as const));
}
