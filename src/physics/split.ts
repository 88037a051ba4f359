import type { Tensor } from "../tensor/tensor.ts";
import { InvalidArgumentError } from "../util/errors.ts";
import type { CompressedSensing } from "./compressed_sensing.ts";
import type { LinearPhysics } from "./linear_physics.ts";
import type { MultiCoilMRI } from "./multi_coil_mri.ts";
import type { Ptychography } from "./ptychography.ts";
import type { RadioInterferometry } from "./radio_interferometry.ts";
import { StackedLinearPhysics, StackedPhysics } from "./stacked.ts";
import type { Tomography } from "./tomography.ts";

/**
 * A scan as a stack of scans with fewer views each, to share among processes: part i has the views i, i + parts,
 * i + 2 parts, ... All are divided by the norm of the whole, so that the stack's adjoint and normal operator are the
 * scan's own.
 *
 * @param parts 1 to the number of angles
 * @throws {InvalidArgumentError} for another number of parts
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, setDefaultDevice, sheppLogan, splitAngles, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const scan = new Tomography({ angles: 7, imgWidth: 32, normalize: false });
 * const parts = splitAngles(scan, 2); // views 0, 2, 4, 6 and 1, 3, 5
 * const x = sheppLogan(32);
 * assert.deepEqual([...await parts.A(x)].map((y) => y.shape), [[1, 1, 46, 4], [1, 1, 46, 3]]);
 * const whole = await scan.A_adjoint_A(x);
 * const difference = (await parts.A_adjoint_A(x)).sub(whole);
 * assert.ok(await difference.abs().max().item() < 1e-5 * await whole.max().item());
 * ```
 */
export function splitAngles(tomography: Tomography, parts: number): StackedLinearPhysics {
  const count = tomography.angles.length;
  requireParts("split a scan by angles", parts, count);
  const scans = Array.from({ length: parts }, (_, part) => {
    const views = Array.from({ length: Math.ceil((count - part) / parts) }, (_, k) => part + k * parts);
    return tomography.withViews(views);
  });
  return new StackedLinearPhysics(scans);
}

/**
 * Multi-coil MRI as a stack of scans with fewer coils each, to share among processes: blocks of neighbouring coils, whose
 * numbers differ by one at most. The stack's adjoint and normal operator are the scan's own.
 *
 * @param parts 1 to the number of coils
 * @throws {InvalidArgumentError} for another number of parts
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   birdcageMaps,
 *   MultiCoilMRI,
 *   openDevice,
 *   setDefaultDevice,
 *   splitCoils,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const coilMaps = birdcageMaps({ imgSize: [8, 8], coils: 5 });
 * const scan = new MultiCoilMRI({ mask: Tensor.ones([8, 8]), coilMaps });
 * const parts = splitCoils(scan, 2);
 * assert.deepEqual([...parts].map((part) => (part as MultiCoilMRI).numCoils), [2, 3]);
 * const x = Tensor.randn([1, 2, 8, 8], { seed: 1 });
 * const difference = (await parts.A_adjoint_A(x)).sub(await scan.A_adjoint_A(x));
 * assert.ok(await difference.abs().max().item() < 1e-5);
 * ```
 */
export function splitCoils(mri: MultiCoilMRI, parts: number): StackedLinearPhysics {
  requireParts("split a scan by coils", parts, mri.numCoils);
  return stackOfBlocks(mri.numCoils, parts, (begin, end) => mri.withCoils(begin, end));
}

/**
 * Radio interferometry as a stack of instruments with fewer visibilities each, to share among processes: blocks of
 * neighbouring visibilities, whose numbers differ by one at most. The stack's adjoint and normal operator are the
 * instrument's own.
 *
 * @param parts 1 to the number of visibilities
 * @throws {InvalidArgumentError} for another number of parts
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import {
 *   openDevice,
 *   RadioInterferometry,
 *   setDefaultDevice,
 *   splitVisibilities,
 *   Tensor,
 * } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const samplesLoc = Tensor.randn([2, 100], { seed: 1 }).clamp(-3, 3);
 * const radio = new RadioInterferometry({ imgSize: [32, 32], samplesLoc });
 * const y = await splitVisibilities(radio, 3).A(Tensor.ones([1, 1, 32, 32]));
 * assert.deepEqual([...y].map((part) => part.shape[2]), [33, 33, 34]);
 * ```
 */
export function splitVisibilities(radio: RadioInterferometry, parts: number): StackedLinearPhysics {
  requireParts("split visibilities", parts, radio.numVisibilities);
  return stackOfBlocks(radio.numVisibilities, parts, (begin, end) => radio.withVisibilities(begin, end));
}

/**
 * Ptychography as a stack of scans with fewer probe positions each, to share among processes: blocks of neighbouring
 * shifts, whose numbers differ by one at most, with the whole's normalisation. The stack's measurements side by side are
 * the scan's own, and so is its `A_vjp`.
 *
 * @param parts 1 to the number of shifts
 * @throws {InvalidArgumentError} for another number of parts
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { openDevice, Ptychography, setDefaultDevice, splitShifts, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const scan = new Ptychography({ imgSize: [2, 16, 16] }); // 25 shifts
 * const x = Tensor.randn([1, 2, 16, 16], { seed: 1 });
 * const y = await splitShifts(scan, 3).A(x);
 * assert.deepEqual([...y].map((part) => part.shape[1]), [8, 8, 9]);
 * const whole = await scan.A(x); // the parts side by side
 * assert.ok(await Tensor.cat([...y], 1).sub(whole).abs().max().item() < 1e-4 * await whole.max().item());
 * ```
 */
export function splitShifts(ptychography: Ptychography, parts: number): StackedPhysics {
  const count = ptychography.shifts.length;
  requireParts("split a scan by shifts", parts, count);
  return new StackedPhysics(blocks(count, parts, (begin, end) => ptychography.withShifts(begin, end)));
}

/**
 * Compressed sensing as a stack of operators with fewer measurements each, to share among processes: blocks of neighbouring
 * rows of the matrix, whose numbers differ by one at most. The stack's adjoint and normal operator are the operator's own.
 *
 * @param parts 1 to the number of measurements
 * @throws {InvalidArgumentError} for another number of parts
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { CompressedSensing, openDevice, setDefaultDevice, splitRows, Tensor } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const sensing = new CompressedSensing({ m: 10, imgSize: [1, 8, 8] });
 * const parts = splitRows(sensing, 3);
 * const y = await parts.A(Tensor.ones([1, 1, 8, 8]));
 * assert.deepEqual([...y].map((part) => part.shape), [[1, 3], [1, 3], [1, 4]]);
 * const difference = (await parts.A_adjoint(y)).sub(await sensing.A_adjoint_A(Tensor.ones([1, 1, 8, 8])));
 * assert.ok(await difference.abs().max().item() < 1e-5);
 * ```
 */
export function splitRows(sensing: CompressedSensing, parts: number): StackedLinearPhysics {
  requireParts("split measurements", parts, sensing.m);
  return stackOfBlocks(sensing.m, parts, (begin, end) => sensing.withRows(begin, end));
}

function stackOfBlocks(
  count: number,
  parts: number,
  partOf: (begin: number, end: number) => LinearPhysics<Tensor>,
): StackedLinearPhysics {
  return new StackedLinearPhysics(blocks(count, parts, partOf));
}

function blocks<P>(count: number, parts: number, partOf: (begin: number, end: number) => P): P[] {
  const border = (part: number) => Math.floor(part * count / parts);
  return Array.from({ length: parts }, (_, part) => partOf(border(part), border(part + 1)));
}

function requireParts(action: string, parts: number, most: number): void {
  if (Number.isInteger(parts) && parts >= 1 && parts <= most) return;
  throw new InvalidArgumentError(action, "parts", `a whole number in [1, ${most}]`, String(parts));
}
