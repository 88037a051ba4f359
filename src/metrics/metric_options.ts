import { otherDims } from "../tensor/signal.ts";
import { sameShape, type Tensor } from "../tensor/tensor.ts";
import { formatShape, InvalidArgumentError } from "../util/errors.ts";

/** What every metric can do to the images before, and to its values after. */
export interface MetricOptions {
  /** Takes the magnitude of complex images, whose dimension 1 is (real, imaginary); default false. */
  complexAbs?: boolean;
  /**
   * Compares the middle of the images only. A number is for all dimensions but the first two, a list for the last ones:
   * extents, or, where they are <= 0, the samples that are cut off at both ends.
   */
  centerCrop?: number | readonly number[] | null;
  /**
   * What is done to every image on its own: `"min_max"` maps its range on [0, 1], `"clip"` clamps it to [0, 1], `"l2"`
   * divides it by the Euclidean norm over its last two dimensions, `"standardize"` makes its mean 0 and its standard
   * deviation (of n - 1) 1. Default `null`: nothing.
   */
  normInputs?: "min_max" | "clip" | "l2" | "standardize" | "none" | null;
  /** Whether the items' values are averaged or added up to one; default `null`: one value per item, shape (B,). */
  reduction?: "mean" | "sum" | "none" | null;
}

/**
 * Prepares both images as the options say, takes the metric of them, and reduces its values.
 *
 * @param metric one value per item, shape (B,), a new tensor
 * @throws {InvalidArgumentError} when the shapes differ or an option does not fit
 */
export function measure(
  x: Tensor,
  reference: Tensor,
  options: MetricOptions,
  metric: (x: Tensor, reference: Tensor) => Tensor,
): Tensor {
  if (!sameShape(x.shape, reference.shape)) {
    const requirement = `of one shape, here ${formatShape(reference.shape)}`;
    throw new InvalidArgumentError("compare images", "both", requirement, formatShape(x.shape));
  }
  checkNames(options);
  using left = prepared(x, options);
  using right = prepared(reference, options);
  const values = metric(left, right);
  const { reduction } = options;
  if (reduction !== "mean" && reduction !== "sum") return values;
  using all = values;
  return reduction === "mean" ? all.mean() : all.sum();
}

function checkNames({ normInputs, reduction }: MetricOptions): void {
  const refuse = (name: string, known: readonly string[], got: unknown) => {
    throw new InvalidArgumentError("compare images", name, known.map((k) => `"${k}"`).join(", "), `"${got}"`);
  };
  const norms = ["min_max", "clip", "l2", "standardize", "none"], reductions = ["mean", "sum", "none"];
  if (normInputs != null && !norms.includes(normInputs)) refuse("normInputs", norms, normInputs);
  if (reduction != null && !reductions.includes(reduction)) refuse("reduction", reductions, reduction);
}

/** A tensor of its own. */
function prepared(x: Tensor, { complexAbs, centerCrop, normInputs }: MetricOptions): Tensor {
  using real = complexAbs ? magnitude(x) : x.reshape(x.shape);
  using middle = centerCrop == null ? real.reshape(real.shape) : cropped(real, centerCrop);
  return normInputs == null || normInputs === "none"
    ? middle.reshape(middle.shape)
    : normalised(middle, normInputs);
}

function magnitude(x: Tensor): Tensor {
  if (x.shape[1] !== 2) {
    const requirement = "complex: of shape (B, 2, ...)";
    throw new InvalidArgumentError("compare magnitudes", "images", requirement, formatShape(x.shape));
  }
  return x.norm(1, { keepDims: true });
}

function cropped(x: Tensor, centerCrop: number | readonly number[]): Tensor {
  const crop = typeof centerCrop === "number" ? x.shape.slice(2).map(() => centerCrop) : centerCrop;
  const first = x.shape.length - crop.length;
  const ranges = x.shape.map((extent, d) => {
    const wanted = crop[d - first];
    if (d < first) return null;
    const size = wanted > 0 ? wanted : extent + 2 * wanted;
    if (!Number.isInteger(size) || size < 1 || size > extent) {
      const requirement = `whole numbers that leave 1 to ${extent} samples of dimension ${d}`;
      throw new InvalidArgumentError("compare images", "centerCrop", requirement, String(centerCrop));
    }
    const begin = Math.floor((extent - size) / 2);
    return [begin, begin + size] as [number, number];
  });
  if (crop.length === 0 || first < 0) {
    const requirement = `a number, or a list of at most ${x.shape.length}`;
    throw new InvalidArgumentError("compare images", "centerCrop", requirement, String(centerCrop));
  }
  return x.slice(ranges);
}

function normalised(x: Tensor, how: "min_max" | "clip" | "l2" | "standardize"): Tensor {
  if (how === "clip") return x.clamp(0, 1);
  const dims = how === "l2" ? [x.shape.length - 2, x.shape.length - 1] : otherDims(x);
  if (how === "l2") {
    using length = x.norm(dims, { keepDims: true });
    return x.div(length);
  }
  using origin = how === "min_max" ? x.min(dims, { keepDims: true }) : x.mean(dims, { keepDims: true });
  using shifted = x.sub(origin);
  if (how === "min_max") {
    using range = shifted.max(dims, { keepDims: true });
    using constant = range.equal(0);
    using divisor = range.add(constant);
    return shifted.div(divisor);
  }
  using norm = shifted.norm(dims, { keepDims: true });
  using deviation = norm.mul(1 / Math.sqrt(Math.max(1, x.numel / x.shape[0] - 1)));
  return shifted.div(deviation);
}
