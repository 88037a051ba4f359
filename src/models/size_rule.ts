import { Tensor } from "../tensor/tensor.ts";

/**
 * Runs a network that wants sides of a multiple of 8 on images of any size, by deepinv's rule for DRUNet:
 *
 * - all sides multiples of 8 and > 31: directly;
 * - any side < 64: continued to the right and below with the border sample up to a multiple of 16, and cropped;
 * - else: four overlapping quadrants with sides (floor(s / 2 / 64) + 1) 64, one in each corner, joined at s / 2.
 *
 * @param input (B, C, H, W)
 * @param network maps (B, C, h, w) to (B, C', h, w)
 */
export function applyWithSizeRule(input: Tensor, network: (x: Tensor) => Tensor): Tensor {
  const [height, width] = input.shape.slice(2);
  if ([height, width].every((side) => side % 8 === 0 && side > 31)) return network(input);
  if (Math.min(height, width) < 64) return applyOnMultiples(input, 16, network);
  const rows = halves(height), columns = halves(width);
  let result: Tensor | undefined;
  try {
    for (const row of rows) {
      for (const column of columns) {
        using quadrant = input.slice([null, null, row.read, column.read]);
        using output = network(quadrant);
        using kept = output.slice([null, null, row.keep, column.keep]);
        result ??= Tensor.empty([input.shape[0], output.shape[1], height, width], input);
        result.writeSlice(kept, [0, 0, row.at, column.at]);
      }
    }
    return result!;
  } catch (error) {
    result?.dispose();
    throw error;
  }
}

/**
 * Runs a network that wants sides of a multiple of some number on images of any size: continued to the right and below
 * with the border sample, and cropped.
 */
export function applyOnMultiples(input: Tensor, multiple: number, network: (x: Tensor) => Tensor): Tensor {
  const [height, width] = input.shape.slice(2);
  const [below, right] = [height, width].map((side) => (multiple - side % multiple) % multiple);
  if (below === 0 && right === 0) return network(input);
  using padded = input.pad([[0, below], [0, right]], "replicate");
  using output = network(padded);
  return output.slice([null, null, [0, height], [0, width]]);
}

/** The two overlapping halves of a side: what each reads, what of that is kept, and where it goes. */
function halves(side: number): { read: [number, number]; keep: [number, number]; at: number }[] {
  const middle = Math.floor(side / 2);
  const tile = (Math.floor(middle / 64) + 1) * 64;
  return [
    { read: [0, tile], keep: [0, middle], at: 0 },
    { read: [side - tile, side], keep: [middle - (side - tile), tile], at: middle },
  ];
}
