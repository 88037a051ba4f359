import type { RadonKernel } from "../compute/kernel.ts";
import { InvalidArgumentError } from "../util/errors.ts";

/** Where the rays of a scan run, in pixels; see `RadonKernel`. */
export type RadonGeometry =
  & Pick<RadonKernel, "size" | "detectors" | "steps" | "centre" | "spacing" | "divergence">
  & {
    /** Turns every view by this many degrees. */
    readonly turn: number;
  };

/** The scanner of a fan beam; lengths share one unit, e.g. cm. */
export interface FanParameters {
  /** Distance of neighbouring pixels; default 0.5 / imgWidth. */
  pixelSpacing?: number;
  /** Distance of the source from the centre of rotation; default 57.5. */
  sourceRadius?: number;
  /** Distance of the detector from the centre of rotation; default 57.5. */
  detectorRadius?: number;
  /** Number of detector pixels; default 258. */
  nDetectorPixels?: number;
  /** Distance of neighbouring detector pixels; default 0.077. */
  detectorSpacing?: number;
}

/**
 * Samples of the rotated grid per axis: the image's width, or its diagonal rounded up, with the image placed so that the
 * centre of rotation is floor(width / 2) where their parities differ.
 */
function rotatedGrid(size: number, circle: boolean): { steps: number; centre: number } {
  const steps = circle ? size : Math.ceil(Math.fround(Math.fround(Math.SQRT2) * size));
  const before = Math.floor(steps / 2) - Math.floor(size / 2);
  return { steps, centre: (steps - 1) / 2 - before };
}

/** One ray per column of the rotated grid. */
export function parallelBeam(size: number, circle: boolean): RadonGeometry {
  const { steps, centre } = rotatedGrid(size, circle);
  return { size, detectors: steps, steps, centre, spacing: 1, divergence: 0, turn: 0 };
}

/**
 * Rays from a source point to equidistant detector pixels, sampled at equidistant steps along the central ray.
 *
 * @throws {InvalidArgumentError} for lengths that are not positive, and a source inside the image
 */
export function fanBeam(size: number, circle: boolean, parameters: FanParameters): RadonGeometry {
  const {
    pixelSpacing = 0.5 / size,
    sourceRadius = 57.5,
    detectorRadius = 57.5,
    nDetectorPixels = 258,
    detectorSpacing = 0.077,
  } = parameters;
  const action = "build Tomography";
  const lengths = { pixelSpacing, sourceRadius, detectorRadius, detectorSpacing };
  for (const [name, value] of Object.entries(lengths)) {
    if (!(value > 0 && value < Infinity)) {
      throw new InvalidArgumentError(action, `fanParameters.${name}`, "finite and > 0", String(value));
    }
  }
  if (!Number.isInteger(nDetectorPixels) || nDetectorPixels < 1) {
    throw new InvalidArgumentError(
      action,
      "fanParameters.nDetectorPixels",
      "a whole number >= 1",
      String(nDetectorPixels),
    );
  }
  const { steps, centre } = rotatedGrid(size, circle);
  const pixel = pixelSpacing * steps / Math.max(steps - 1, 1);
  const middle = (steps - 1) / 2;
  if (sourceRadius <= middle * pixel) {
    throw new InvalidArgumentError(
      action,
      "fanParameters.sourceRadius",
      `more than half the image's diagonal, ${middle * pixel}`,
      String(sourceRadius),
    );
  }
  const magnification = detectorSpacing / (sourceRadius + detectorRadius);
  return {
    size,
    detectors: nDetectorPixels,
    steps,
    centre,
    spacing: magnification * sourceRadius / pixel,
    divergence: -magnification,
    turn: -90,
  };
}

/** (cos t, sin t) of every view, from degrees. */
export function viewDirections(degrees: readonly number[], turn: number): Float32Array {
  return Float32Array.from(degrees.flatMap((angle) => {
    const radians = (angle + turn) * Math.PI / 180;
    return [Math.cos(radians), Math.sin(radians)];
  }));
}
