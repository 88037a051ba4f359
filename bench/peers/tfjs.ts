import { GEOMETRY, type LayerGraph, outputSide, type Runner } from "../support/layer_graph.ts";

/** The pinned peer. Not a dependency: Deno fetches it when this program runs. */
const CORE = "npm:@tensorflow/tfjs-core@4.22.0";
const BACKEND = "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";

/** Rows and columns around the image, for every dimension. */
type Padding = readonly (readonly [number, number])[];

interface TfTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, order: readonly number[]): TfTensor;
  conv2d(
    x: TfTensor,
    w: TfTensor,
    stride: number,
    padding: Padding,
    format: string,
    dilation: number,
  ): TfTensor;
  conv2dTranspose(
    x: TfTensor,
    w: TfTensor,
    shape: readonly number[],
    stride: number,
    padding: Padding,
  ): TfTensor;
  relu(x: TfTensor): TfTensor;
  add(x: TfTensor, y: TfTensor): TfTensor;
  tidy(f: () => TfTensor): TfTensor;
}

/** A graph in TensorFlow.js on WebGPU, from planes to planes; inside, channels come last, which it prefers. */
export async function tfRunner(graph: LayerGraph): Promise<Runner> {
  const tf: Tf = await import(CORE);
  await import(BACKEND);
  await tf.setBackend("webgpu");
  await tf.ready();
  const { channels, size, layers } = graph;
  const weights = new Map(layers.map(({ weights: key, op, inChannels, outChannels }) => {
    const { kernel, transposed } = GEOMETRY[op];
    const pair = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
    const shape = [...pair, kernel, kernel];
    const given = tf.tensor(graph.weights.get(key)!, shape);
    // Both want (height, width, in, out), of a transposed layer's transpose: (height, width, out, in).
    const arranged = tf.transpose(given, [2, 3, 1, 0]);
    given.dispose();
    return [key, arranged];
  }));
  const forward = (x: Float32Array) => {
    const maps = new Map([["x", tf.transpose(tf.tensor(x, [1, channels, size, size]), [0, 2, 3, 1])]]);
    const sizes = new Map([["x", size]]);
    for (const { op, weights: key, outChannels, relu, input, output, addends } of layers) {
      const [from, w] = [maps.get(input)!, weights.get(key)!];
      const { stride, padding: zeros, dilation, transposed } = GEOMETRY[op];
      const side = outputSide(op, sizes.get(input)!);
      const padding: Padding = [[0, 0], [zeros, zeros], [zeros, zeros], [0, 0]];
      let y = transposed
        ? tf.conv2dTranspose(from, w, [1, side, side, outChannels], stride, padding)
        : tf.conv2d(from, w, stride, padding, "NHWC", dilation);
      if (relu) y = tf.relu(y);
      for (const addend of addends) y = tf.add(y, maps.get(addend)!);
      maps.set(output, y);
      sizes.set(output, side);
    }
    return tf.transpose(maps.get(layers.at(-1)!.output)!, [0, 3, 1, 2]);
  };
  return {
    async run(x) {
      const y = tf.tidy(() => forward(x));
      const values = await y.data();
      y.dispose();
      return values;
    },
    close() {
      for (const tensor of new Set(weights.values())) tensor.dispose();
    },
  };
}
