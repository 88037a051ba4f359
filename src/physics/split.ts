import { InvalidArgumentError } from "../util/errors.ts";
import type { MultiCoilMRI } from "./multi_coil_mri.ts";
import { StackedLinearPhysics } from "./stacked.ts";
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
 * import { openDevice, setDefaultDevice, splitAngles, Tensor, Tomography } from "@deepinv/distributed";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * const scan = new Tomography({ angles: 6, imgWidth: 32, normalize: false });
 * const y = await splitAngles(scan, 2).A(Tensor.ones([1, 1, 32, 32]));
 * console.log(y.get(0).shape); // [ 1, 1, 46, 3 ]
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
 */
export function splitCoils(mri: MultiCoilMRI, parts: number): StackedLinearPhysics {
  const count = mri.numCoils;
  requireParts("split a scan by coils", parts, count);
  const border = (part: number) => Math.floor(part * count / parts);
  return new StackedLinearPhysics(
    Array.from({ length: parts }, (_, part) => mri.withCoils(border(part), border(part + 1))),
  );
}

function requireParts(action: string, parts: number, most: number): void {
  if (Number.isInteger(parts) && parts >= 1 && parts <= most) return;
  throw new InvalidArgumentError(action, "parts", `a whole number in [1, ${most}]`, String(parts));
}
