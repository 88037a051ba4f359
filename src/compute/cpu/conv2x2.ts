import { addendDistances, type ConvAlgorithm, evenGrain } from "./conv_algorithm.ts";
import { padded } from "./feature_map.ts";
import { gemm, packPanels } from "./wasm/gemm.ts";

/**
 * 2x2 convolution with stride 2, as one matrix product per output row: the four pixels under an output pixel are two
 * contiguous runs of 2 x channels values, so the map itself is the left-hand side.
 */
export const down2x2: ConvAlgorithm = {
  sizes({ spec }) {
    const columns = padded(spec.outChannels);
    return { weights: 4 * padded(spec.inChannels) * columns, bias: columns };
  },

  pack({ spec }, weights, into) {
    const { inChannels, outChannels } = spec;
    const depth = padded(inChannels);
    packPanels(4 * depth, padded(outChannels), (row, o) => {
      const c = row % depth;
      const tap = Math.floor(row / depth);
      return c < inChannels && o < outChannels ? weights[(o * inChannels + c) * 4 + tap] : 0;
    }, into);
  },

  packBias(_plan, bias, into) {
    into.set(bias);
  },

  scratchBytes: () => 0,

  units: (_plan, output) => output.height,

  grain: evenGrain,

  bind(kernels, layer, task) {
    const { input, output } = task;
    const { activation, spec: { addends } } = layer;
    const multiply = kernels.get(gemm, {
      depth: 2 * input.pixel,
      segments: 2,
      columns: output.pixel,
      rowStepA: 2 * input.pixel,
      rowStepC: output.pixel,
      epilogue: { activation, addends },
    });
    const [addend0, addend1] = addendDistances(task);
    return (_scratch, first, end) => {
      for (let y = first; y < end; y++) {
        const from = input.origin + 2 * y * input.rowBytes;
        const to = output.origin + y * output.rowBytes;
        multiply(
          from,
          layer.weights,
          to,
          output.width,
          1,
          input.rowBytes,
          0,
          0,
          0,
          layer.bias,
          addend0,
          addend1,
        );
      }
    };
  },
};

/**
 * Transposed 2x2 convolution with stride 2: every input pixel gives a 2x2 block of output pixels, so each output row is
 * one matrix product whose columns are two neighbouring pixels.
 */
export const up2x2: ConvAlgorithm = {
  sizes({ spec }) {
    const columns = 2 * padded(spec.outChannels);
    return { weights: 2 * padded(spec.inChannels) * columns, bias: columns };
  },

  pack({ spec }, weights, into) {
    const { inChannels, outChannels } = spec;
    const depth = padded(inChannels);
    const pixel = padded(outChannels);
    for (const a of [0, 1]) {
      packPanels(depth, 2 * pixel, (c, column) => {
        const o = column % pixel;
        const b = Math.floor(column / pixel);
        return c < inChannels && o < outChannels ? weights[(c * outChannels + o) * 4 + 2 * a + b] : 0;
      }, into.subarray(a * depth * 2 * pixel));
    }
  },

  packBias({ spec }, bias, into) {
    into.set(bias);
    into.set(bias, padded(spec.outChannels));
  },

  scratchBytes: () => 0,

  units: (_plan, output) => output.height,

  grain: evenGrain,

  bind(kernels, layer, task) {
    const { input, output } = task;
    const { activation, spec: { addends } } = layer;
    const multiply = kernels.get(gemm, {
      depth: input.pixel,
      segments: 1,
      columns: 2 * output.pixel,
      rowStepA: input.pixel,
      rowStepC: 2 * output.pixel,
      epilogue: { activation, addends },
    });
    const [addend0, addend1] = addendDistances(task);
    return (_scratch, first, end) => {
      for (let y = first; y < end; y++) {
        const from = input.origin + (y >> 1) * input.rowBytes;
        const weights = layer.weights + (y & 1) * 4 * input.pixel * 2 * output.pixel;
        const to = output.origin + y * output.rowBytes;
        multiply(from, weights, to, input.width, 1, 0, 0, 0, 0, layer.bias, addend0, addend1);
      }
    };
  },
};
