import { type ConvGeometry, phaseLength } from "../conv_geometry.ts";
import { type ConvAlgorithm, evenGrain, type LayerPlan } from "./conv_algorithm.ts";
import { padded } from "./feature_map.ts";
import { stageRows } from "./stage_rows.ts";
import { GEMM_ROWS } from "./wasm/gemm.ts";
import { winogradInput } from "./wasm/winograd_input.ts";
import { winogradWeights } from "./wasm/winograd_weights.ts";
import { tileAxes, type TileAxis } from "./winograd_axis.ts";
import { batchOf, tileBytes, tileProduct } from "./winograd_tiles.ts";

/**
 * Other layers by Winograd's F(4x4, 3x3): their taps in blocks of 3x3, each of which transforms its own pixels; the
 * blocks' tiles lie side by side as so many more input channels, so that one product sums over them and one transform
 * leads back. 2.25 multiplications per block and result instead of one per tap.
 *
 * A unit is some rows of tiles: the rows of the input under them are copied with zeros around them.
 */
export const winogradGeneral: ConvAlgorithm = {
  sizes(plan) {
    const { classes, columns } = tiling(plan);
    const last = classes.at(-1)!;
    return { weights: last.weights + 36 * last.depth * columns, bias: columns };
  },

  pack(plan, weights, into) {
    const { spec: { inChannels, outChannels }, geometry: { kernel, transposed } } = plan;
    const { classes, columns } = tiling(plan);
    const pixel = padded(inChannels);
    for (const { rows, across, depth, weights: offset, repeated } of classes) {
      if (repeated) continue;
      const blocks = new Float32Array(outChannels * depth * 9);
      rows.blocks.forEach((upper, a) =>
        across.blocks.forEach((left, b) => {
          const block = a * across.blocks.length + b;
          upper.taps.forEach((u, i) =>
            left.taps.forEach((v, j) => {
              for (let o = 0; o < outChannels; o++) {
                for (let c = 0; c < inChannels; c++) {
                  const filter = transposed ? c * outChannels + o : o * inChannels + c;
                  blocks[(o * depth + block * pixel + c) * 9 + 3 * i + j] =
                    weights[(filter * kernel[0] + u) * kernel[1] + v];
                }
              }
            })
          );
        })
      );
      winogradWeights(blocks, depth, outChannels, depth, columns, into.subarray(offset));
    }
  },

  packBias(_plan, bias, into) {
    into.set(bias);
  },

  scratchBytes(plan, height, width) {
    const { classes, columns } = tiling(plan);
    return Math.max(...classes.map(({ rows, depth }) => {
      const { count, rowBytes } = strips(plan, rows, height, width);
      return tileBytes({ depth, columns, batch: batchOf(depth) }) + count * rowBytes;
    }));
  },

  units(plan, { height, width }) {
    const { axes: [down] } = tiling(plan);
    return down.reduce((sum, rows) => sum + strips(plan, rows, height, width).units, 0);
  },

  grain: evenGrain,

  bind(kernels, layer, task) {
    const { input, output } = task;
    const { axes: [down], classes, columns } = tiling(layer);
    const pixelBytes = 4 * input.pixel;
    const phases = down.map((rows) => {
      const strip = strips(layer, rows, output.height, output.width);
      const outRows = phaseLength(rows, output.height);
      const parts = classes.filter((own) => own.rows === rows).map((own) => {
        const { depth, across } = own;
        const batch = batchOf(depth);
        const shape = { depth, columns, batch, pixel: across.step * output.pixel };
        return {
          ...own,
          batch,
          forward: kernels.get(winogradInput, { channels: input.pixel, batch, depth, step: across.sample }),
          finish: tileProduct(kernels, shape, layer, task),
          outColumns: phaseLength(across, output.width),
        };
      });
      return { rows, strip, outRows, parts };
    });
    return (scratch, first, end) => {
      let begin = 0;
      for (const { rows, strip, outRows, parts } of phases) {
        const [from, to] = [Math.max(first - begin, 0), Math.min(end - begin, strip.units)];
        begin += strip.units;
        for (let unit = from; unit < to; unit++) {
          const tileRow = unit * strip.tileRows;
          const height = outRows - 4 * tileRow;
          const tileRows = Math.min(strip.tileRows, Math.ceil(height / 4));
          const top = rows.start + 4 * tileRow * rows.sample;
          const tiles = scratch + strip.count * strip.rowBytes;
          stageRows(kernels, input, scratch, { ...strip, top, count: strip.rowsOf(tileRows) });
          for (const { across, batch, weights, forward, finish, outColumns } of parts) {
            const tilesPerRow = Math.ceil(outColumns / 4);
            const total = tileRows * tilesPerRow;
            const share = evenShare(total, batch);
            for (let tile = 0; tile < total; tile += share) {
              const count = Math.min(share, total - tile);
              rows.blocks.forEach((upper, a) =>
                across.blocks.forEach((left, b) =>
                  forward(
                    scratch + upper.offset / strip.step * strip.rowBytes +
                      (across.start + left.offset - strip.start) * pixelBytes,
                    rows.sample / strip.step * strip.rowBytes,
                    tilesPerRow,
                    tile,
                    count,
                    tiles + (a * across.blocks.length + b) * pixelBytes,
                  )
                )
              );
              finish({
                tiles,
                weights: layer.weights + 4 * weights,
                map: output.origin + (rows.first + 4 * tileRow * rows.step) * output.rowBytes +
                  4 * across.first * output.pixel,
                rowBytes: rows.step * output.rowBytes,
                tilesPerRow,
                first: tile,
                count,
                height,
                width: outColumns,
              });
            }
          }
        }
      }
    };
  },
};

/** Whether tiles take fewer multiplications than a direct product, their transforms included. */
export function tilesPay({ spec, geometry }: LayerPlan): boolean {
  const axes = axesOf(geometry);
  if (!axes) return false;
  const [outChannels, inChannels] = [padded(spec.outChannels), padded(spec.inChannels)];
  const [rows, columns] = axes.map((list) =>
    list.reduce((sum, { blocks }) => sum + blocks.length, 0) / list.length
  );
  const { kernel, stride, transposed } = geometry;
  const taps = kernel[0] * kernel[1] / (transposed ? stride[0] * stride[1] : 1);
  const blocks = rows * columns;
  if (blocks * inChannels > MAX_DEPTH) return false;
  const products = blocks * (TRANSFORM + 2.25 * outChannels) + TRANSFORM * outChannels / inChannels;
  return products < GAIN * taps * outChannels;
}

/** What a transform takes for a pixel and a channel, counted in multiplications, and how much must be saved. */
const TRANSFORM = 24, GAIN = 0.8;
/** Channels of a transformed tile, of all blocks: a batch of tiles takes 14 MB then. */
const MAX_DEPTH = 2048;
/** Bytes of copied rows that stay in the second-level cache; one row of tiles may need more. */
const STAGED_BYTES = 1 << 20;

/** Outputs with the same taps: those of a phase of the rows and one of the columns. */
interface TileClass {
  readonly rows: TileAxis;
  readonly across: TileAxis;
  readonly depth: number;
  /** Where its weights begin, and whether an earlier class has the same. */
  readonly weights: number;
  readonly repeated: boolean;
}

interface Tiling {
  readonly axes: readonly [down: readonly TileAxis[], across: readonly TileAxis[]];
  readonly classes: readonly TileClass[];
  readonly columns: number;
}

const tilings: WeakMap<ConvGeometry, Tiling> = new WeakMap();

function axesOf(geometry: ConvGeometry): [TileAxis[], TileAxis[]] | undefined {
  const [down, across] = [tileAxes(geometry, 0), tileAxes(geometry, 1)];
  return down && across && [down, across];
}

function tiling({ spec, geometry }: LayerPlan): Tiling {
  const known = tilings.get(geometry);
  if (known) return known;
  const axes = axesOf(geometry)!;
  const columns = padded(spec.outChannels);
  const places = new Map<string, number>();
  let end = 0;
  const classes = axes[0].flatMap((rows) =>
    axes[1].map((across): TileClass => {
      const depth = rows.blocks.length * across.blocks.length * padded(spec.inChannels);
      const key = `${rows.weights} ${across.weights}`;
      const place = places.get(key);
      if (place === undefined) {
        places.set(key, end);
        end += 36 * depth * columns;
      }
      return { rows, across, depth, weights: places.get(key)!, repeated: place !== undefined };
    })
  );
  classes.sort((a, b) => a.weights - b.weights);
  const made = { axes, classes, columns };
  tilings.set(geometry, made);
  return made;
}

/** How the outputs of a phase of the rows are cut into units, and what is copied for one. */
interface Strips {
  readonly units: number;
  readonly tileRows: number;
  /** The first column that is copied, the bytes of a row, and rows of the input from one to the next. */
  readonly start: number;
  readonly rowBytes: number;
  readonly step: number;
  /** Rows that are copied for so many rows of tiles, and at most. */
  rowsOf(tileRows: number): number;
  readonly count: number;
}

function strips(plan: LayerPlan, rows: TileAxis, height: number, width: number): Strips {
  const { axes: [, across], classes } = tiling(plan);
  const start = Math.min(...across.map((axis) => axis.start));
  const end = Math.max(...across.map((axis) => {
    const tilesPerRow = Math.ceil(phaseLength(axis, width) / 4);
    return axis.start + reach(axis, tilesPerRow);
  }));
  const rowBytes = 4 * padded(plan.spec.inChannels) * (end - start);
  // Dilated rows are read in steps of the dilation only.
  const step = rows.blocks.every(({ offset }) => offset % rows.sample === 0) ? rows.sample : 1;
  const rowsOf = (tileRows: number) => (reach(rows, tileRows) - 1) / step + 1;
  const total = Math.ceil(phaseLength(rows, height) / 4);
  const batch = Math.max(...classes.map(({ depth }) => batchOf(depth)));
  const wanted = Math.ceil(batch / Math.ceil(phaseLength(across[0], width) / 4));
  let tileRows = Math.max(1, Math.min(wanted, total));
  while (tileRows > 1 && rowsOf(tileRows) * rowBytes > STAGED_BYTES) tileRows--;
  return {
    units: width === 0 ? 0 : Math.ceil(total / tileRows),
    tileRows,
    start,
    rowBytes,
    step,
    rowsOf,
    count: rowsOf(tileRows),
  };
}

/** Samples that so many tiles read, from the first to the last. */
function reach({ sample, blocks }: TileAxis, tiles: number): number {
  return (4 * tiles + 1) * sample + Math.max(...blocks.map(({ offset }) => offset)) + 1;
}

/** Tiles at a time, so that all times are alike, and full where the product takes several at once. */
function evenShare(total: number, batch: number): number {
  const times = Math.ceil(total / batch);
  return Math.min(batch, Math.ceil(total / times / GEMM_ROWS) * GEMM_ROWS);
}
