import { type AxisPhase, type ConvGeometry, phaseLength, phasesOf } from "../conv_geometry.ts";
import { addendDistances, type ConvAlgorithm, evenGrain, type LayerPlan } from "./conv_algorithm.ts";
import { padded } from "./feature_map.ts";
import { stageRows } from "./stage_rows.ts";
import { gemm, packPanels } from "./wasm/gemm.ts";

/**
 * Any convolution, and any transposed one, as a matrix product per output row, without unfolding the image: the pixels
 * under the taps of a filter row are one run of values, or several where taps are apart. A transposed layer falls into
 * one such convolution for every residue of the output's rows and columns modulo the stride.
 *
 * Where taps reach farther than the map's border of one pixel, the rows of the input that some output rows need are first
 * copied with as many zeros around them.
 */
export const general: ConvAlgorithm = {
  sizes(plan) {
    const columns = padded(plan.spec.outChannels);
    const weights = phases(plan).reduce((sum, { depth }) => sum + depth * columns, 0);
    return { weights, bias: columns };
  },

  pack(plan, weights, into) {
    const { spec: { inChannels, outChannels }, geometry: { kernel, transposed } } = plan;
    const pixel = padded(inChannels);
    for (const { rows, columns, depth, offset } of phases(plan)) {
      packPanels(depth, padded(outChannels), (row, o) => {
        const c = row % pixel, tap = Math.floor(row / pixel);
        if (c >= inChannels || o >= outChannels) return 0;
        const u = rows.tap + Math.floor(tap / columns.taps) * rows.tapStep;
        const v = columns.tap + (tap % columns.taps) * columns.tapStep;
        const filter = transposed ? c * outChannels + o : o * inChannels + c;
        return weights[(filter * kernel[0] + u) * kernel[1] + v];
      }, into.subarray(offset));
    }
  },

  packBias(_plan, bias, into) {
    into.set(bias);
  },

  scratchBytes(plan, height, width) {
    if (fitsBorder(plan.geometry)) return 0;
    return Math.max(
      ...phases(plan).map((phase) => {
        const block = blockOf(plan, phase, height, width);
        return block.stagedRows * block.rowBytes;
      }),
    );
  },

  units(plan, { height, width }) {
    return phases(plan).reduce((sum, phase) => sum + blockOf(plan, phase, height, width).count, 0);
  },

  grain: evenGrain,

  bind(kernels, layer, task) {
    const { input, output } = task;
    const { spec: { addends }, activation, geometry } = layer;
    const [addend0, addend1] = addendDistances(task);
    const inBorder = fitsBorder(geometry);
    const parts = phases(layer).map((phase) => {
      const { rows, columns } = phase;
      const block = blockOf(layer, phase, output.height, output.width);
      const apart = columns.spacing > 1;
      const multiply = kernels.get(gemm, {
        depth: apart ? input.pixel : Math.max(columns.taps, 1) * input.pixel,
        ...(apart ? { runs: { count: columns.taps, step: columns.spacing * input.pixel } } : {}),
        segments: columns.taps === 0 ? 0 : rows.taps,
        columns: output.pixel,
        rowStepA: columns.advance * input.pixel,
        rowStepC: columns.step * output.pixel,
        epilogue: { activation, addends },
      });
      return { phase, rows, columns, block, multiply, rowBytes: inBorder ? input.rowBytes : block.rowBytes };
    });
    return (scratch, first, end) => {
      let begin = 0;
      for (const { phase, rows, columns, block, multiply, rowBytes } of parts) {
        const [from, to] = [Math.max(first - begin, 0), Math.min(end - begin, block.count)];
        begin += block.count;
        for (let unit = from; unit < to; unit++) {
          const [begins, ends] = [unit * block.rows, Math.min((unit + 1) * block.rows, block.outRows)];
          const top = rows.start + begins * rows.advance;
          if (!inBorder) {
            const count = inputRows(rows, ends - begins);
            stageRows(kernels, input, scratch, { top, count, start: columns.start, rowBytes });
          }
          const left = inBorder
            ? input.origin + top * input.rowBytes + 4 * columns.start * input.pixel
            : scratch;
          for (let n = begins; n < ends; n++) {
            multiply(
              left + (n - begins) * rows.advance * rowBytes,
              layer.weights + 4 * phase.offset,
              output.origin + (rows.first + n * rows.step) * output.rowBytes +
                4 * columns.first * output.pixel,
              block.outColumns,
              1,
              rows.spacing * rowBytes,
              0,
              0,
              0,
              layer.bias,
              addend0,
              addend1,
            );
          }
        }
      }
    };
  },
};

/** Rows of the output that are computed together, so that they share the rows copied for them. */
const ROWS = 8;
/** Bytes of copied rows that stay in the second-level cache; a single output row may need more. */
const STAGED_BYTES = 1 << 20;

/** Outputs that are computed alike, and where their weights begin: (rows of taps, taps, channels) x columns. */
interface Phase {
  readonly rows: AxisPhase;
  readonly columns: AxisPhase;
  readonly depth: number;
  readonly offset: number;
}

function phases({ spec, geometry }: LayerPlan): Phase[] {
  const result: Phase[] = [];
  let offset = 0;
  for (const rows of phasesOf(geometry, 0)) {
    for (const columns of phasesOf(geometry, 1)) {
      const depth = rows.taps * columns.taps * padded(spec.inChannels);
      result.push({ rows, columns, depth, offset });
      offset += depth * padded(spec.outChannels);
    }
  }
  return result;
}

/** How a phase's output rows are cut into units. */
interface RowBlock {
  readonly outRows: number;
  readonly outColumns: number;
  /** Output rows of a unit, and units. */
  readonly rows: number;
  readonly count: number;
  /** Rows that are copied for a unit, and bytes of each. */
  readonly stagedRows: number;
  readonly rowBytes: number;
}

function blockOf({ spec }: LayerPlan, { rows, columns }: Phase, height: number, width: number): RowBlock {
  const [outRows, outColumns] = [phaseLength(rows, height), phaseLength(columns, width)];
  const rowBytes = 4 * padded(spec.inChannels) * inputRows(columns, outColumns);
  const extra = Math.floor((STAGED_BYTES / rowBytes - inputRows(rows, 1)) / rows.advance);
  const block = Math.min(ROWS, Math.max(1, 1 + extra));
  return {
    outRows,
    outColumns,
    rows: block,
    count: outColumns === 0 ? 0 : Math.ceil(outRows / block),
    stagedRows: inputRows(rows, block),
    rowBytes,
  };
}

/** Samples of the input between the first and the last one that `count` outputs read. */
function inputRows({ advance, spacing, taps }: AxisPhase, count: number): number {
  return Math.max(count - 1, 0) * advance + Math.max(taps - 1, 0) * spacing + 1;
}

/** Whether no tap reaches farther than one pixel beyond the image. */
function fitsBorder({ kernel, stride, padding, dilation, outputPadding, transposed }: ConvGeometry): boolean {
  return [0, 1].every((axis) => {
    if (!transposed) return padding[axis] <= 1;
    const reach = dilation[axis] * (kernel[axis] - 1);
    const before = Math.ceil((reach - padding[axis]) / stride[axis]);
    const behind = Math.floor((reach - padding[axis] + outputPadding[axis]) / stride[axis]);
    return before <= 1 && behind <= 1;
  });
}
