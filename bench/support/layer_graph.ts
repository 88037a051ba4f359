/** Where a layer's taps lie, along both axes. */
interface Geometry {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly transposed: boolean;
}

const PLAIN = { stride: 1, padding: 0, dilation: 1, transposed: false };

/** The layers of benchmarked networks, by their geometry. */
export const GEOMETRY = {
  conv3x3: { ...PLAIN, kernel: 3, padding: 1 },
  down2x2: { ...PLAIN, kernel: 2, stride: 2 },
  up2x2: { ...PLAIN, kernel: 2, stride: 2, transposed: true },
  conv1x1: { ...PLAIN, kernel: 1 },
  conv5x5: { ...PLAIN, kernel: 5, padding: 2 },
  conv7x7: { ...PLAIN, kernel: 7, padding: 3 },
  dilated3x3: { ...PLAIN, kernel: 3, padding: 2, dilation: 2 },
  down3x3: { ...PLAIN, kernel: 3, stride: 2, padding: 1 },
  down5x5: { ...PLAIN, kernel: 5, stride: 2, padding: 2 },
  up4x4: { ...PLAIN, kernel: 4, stride: 2, padding: 1, transposed: true },
} as const satisfies Record<string, Geometry>;

/** One of them. */
export type LayerOp = keyof typeof GEOMETRY;

/** One layer of a benchmarked network: out = activation(layer(input)) + addends. */
export interface GraphLayer {
  readonly op: LayerOp;
  /** Which weights: layers of one shape share them. */
  readonly weights: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly relu: boolean;
  readonly input: string;
  readonly output: string;
  readonly addends: readonly string[];
}

/** A network without biases, from the map `x` to the output of its last layer; every contestant runs the same one. */
export interface LayerGraph {
  readonly channels: number;
  readonly size: number;
  /** Of the output. */
  readonly outSize: number;
  readonly layers: readonly GraphLayer[];
  /** Row-major values: (out, in, kernel, kernel), or (in, out, kernel, kernel) of transposed layers. */
  readonly weights: ReadonlyMap<string, Float32Array<ArrayBuffer>>;
  /** Multiplications and additions of the direct definition. */
  readonly operations: number;
}

/** A contestant's network, ready to run. */
export interface Runner {
  /** Input planes to output planes. */
  run(x: Float32Array): Promise<Float32Array>;
  close(): void | Promise<void>;
}

/** One layer of any kind. */
export function single(op: LayerOp, inChannels: number, outChannels: number, size: number): LayerGraph {
  const graph = new Builder();
  graph.add(op, inChannels, outChannels, "x");
  return graph.finish(inChannels, size, () => size);
}

/** The side of a layer's output, of an input's. */
export function outputSide(op: LayerOp, side: number): number {
  const { kernel, stride, padding, dilation, transposed }: Geometry = GEOMETRY[op];
  const reach = dilation * (kernel - 1) + 1;
  return transposed
    ? (side - 1) * stride - 2 * padding + reach
    : Math.floor((side + 2 * padding - reach) / stride) + 1;
}

/** `count` equal 3x3 layers, one after the other. */
export function chain(channels: number, size: number, count: number): LayerGraph {
  const graph = new Builder();
  let x = "x";
  for (let i = 0; i < count; i++) x = graph.add("conv3x3", channels, channels, x);
  return graph.finish(channels, size, () => size);
}

/** A DRUNet (Zhang et al. 2021) for colour images: four levels, `blocks` residual blocks in each. */
export function drunet(widths: readonly number[], blocks: number, size: number): LayerGraph {
  const graph = new Builder();
  const scales = new Map([["x", 1]]);
  const add = (...layer: Parameters<Builder["add"]>): string => {
    const output = graph.add(...layer);
    const scale = layer[0] === "down2x2" ? 2 : layer[0] === "up2x2" ? 0.5 : 1;
    scales.set(output, scales.get(layer[3])! * scale);
    return output;
  };
  const refine = (c: number, x: string, skip?: string): string => {
    for (let block = 0; block < blocks; block++) {
      const inner = add("conv3x3", c, c, x, true);
      x = add("conv3x3", c, c, inner, false, block === blocks - 1 && skip ? [x, skip] : [x]);
    }
    return x;
  };
  const skips = [add("conv3x3", 4, widths[0], "x")];
  for (let i = 0; i < 3; i++) {
    skips.push(add("down2x2", widths[i], widths[i + 1], refine(widths[i], skips[i])));
  }
  let x = refine(widths[3], skips[3], skips[3]);
  for (let i = 2; i >= 0; i--) {
    x = refine(widths[i], add("up2x2", widths[i + 1], widths[i], x), skips[i]);
  }
  add("conv3x3", widths[0], 3, x);
  return graph.finish(4, size, (name) => size / scales.get(name)!);
}

class Builder {
  readonly #layers: GraphLayer[] = [];

  add(
    op: LayerOp,
    inChannels: number,
    outChannels: number,
    input: string,
    relu = false,
    addends: readonly string[] = [],
  ): string {
    const output = `y${this.#layers.length}`;
    const weights = `${op} ${inChannels} ${outChannels}`;
    this.#layers.push({ op, weights, inChannels, outChannels, relu, input, output, addends });
    return output;
  }

  finish(channels: number, size: number, sizeOf: (name: string) => number): LayerGraph {
    const weights = new Map<string, Float32Array<ArrayBuffer>>();
    let operations = 0;
    for (const { op, weights: key, inChannels, outChannels, input } of this.#layers) {
      const { kernel, transposed } = GEOMETRY[op];
      const taps = kernel ** 2;
      const length = inChannels * outChannels * taps;
      // Residual branches of small weights keep the values of a deep network near 1.
      const bound = Math.sqrt((op === "conv3x3" ? 1 : 3) / (inChannels * (transposed ? 1 : taps)));
      if (!weights.has(key)) weights.set(key, random(length, bound));
      const pixels = transposed ? sizeOf(input) : outputSide(op, sizeOf(input));
      operations += 2 * length * pixels * pixels;
    }
    const last = this.#layers.at(-1)!;
    const outSize = outputSide(last.op, sizeOf(last.input));
    return { channels, size, outSize, layers: this.#layers, weights, operations };
  }
}

/** Uniform in +-bound. */
export function random(length: number, bound: number): Float32Array<ArrayBuffer> {
  return new Float32Array(length).map(() => bound * (2 * Math.random() - 1));
}
