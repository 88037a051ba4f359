import { Tensor } from "../tensor/tensor.ts";

/** A tile along one side: what it reads, what of that is kept, and where it goes. */
interface Span {
  readonly read: readonly [number, number];
  readonly keep: readonly [number, number];
  readonly at: number;
}

/**
 * Runs a network that takes images of one size only on images of any size: smaller ones are continued to the right and
 * below with the border sample and cropped; larger ones are cut into tiles that overlap by at least `overlap` pixels, and
 * joined in the middle of the overlaps.
 *
 * @param input (B, C, H, W)
 * @param size height and width that the network takes
 * @param overlap in pixels along both sides, each less than the size
 * @param network maps (B, C, h, w) to (B, C', h, w)
 */
export async function applyOnFixedSize(
  input: Tensor,
  size: readonly [number, number],
  overlap: readonly [number, number],
  network: (x: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  const [height, width] = input.shape.slice(2);
  const below = Math.max(0, size[0] - height), right = Math.max(0, size[1] - width);
  using padded = input.pad([[0, below], [0, right]], "replicate");
  const rows = spans(height + below, size[0], overlap[0]);
  const columns = spans(width + right, size[1], overlap[1]);
  let result: Tensor | undefined;
  try {
    for (const row of rows) {
      for (const column of columns) {
        using tile = padded.slice([null, null, row.read, column.read]);
        using output = await network(tile);
        using kept = output.slice([null, null, row.keep, column.keep]);
        result ??= Tensor.empty([input.shape[0], output.shape[1], ...padded.shape.slice(2)], input);
        result.writeSlice(kept, [0, 0, row.at, column.at]);
      }
    }
    return result!.slice([null, null, [0, height], [0, width]]);
  } finally {
    result?.dispose();
  }
}

/** Tiles of `size` that cover a side >= size evenly. */
function spans(side: number, size: number, overlap: number): Span[] {
  const count = side === size ? 1 : Math.ceil((side - overlap) / (size - overlap));
  const starts = Array.from(
    { length: count },
    (_, k) => count === 1 ? 0 : Math.round(k * (side - size) / (count - 1)),
  );
  /** Where tile k's part begins. */
  const border = (k: number) =>
    k === 0 ? 0 : k === count ? side : Math.floor((starts[k] + starts[k - 1] + size) / 2);
  return starts.map((start, k) => ({
    read: [start, start + size],
    keep: [border(k) - start, border(k + 1) - start],
    at: border(k),
  }));
}
