/**
 * How fast is a 3x3 convolution? A chain of layers from planes to planes at the four levels of DRUNet on a 256 x 256 image,
 * beside PyTorch, onnxruntime-node and onnxruntime-web on the CPU, and onnxruntime-web and TensorFlow.js on WebGPU.
 *
 *     deno run -A --no-lock bench/conv3x3.ts [--threads 2] [--rounds 5] [--limit 300] [--layers 4] [cpu] [cpu-tensor] [torch] [ort-node] [ort-wasm] [gpu] [gpu-tensor] [ort-webgpu] [tfjs-webgpu]
 *
 * Contestants take turns, the smallest time counts; `--threads` holds for all of them but ort-wasm, which has one.
 */
import { parseArgs } from "node:util";
import { contest, contestants, Devices, OPTIONS } from "./support/contest.ts";
import { chain } from "./support/layer_graph.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...OPTIONS,
    layers: { type: "string", default: "4" },
    level: { type: "string" },
  },
});
const names = contestants(positionals);
const threads = Number(values.threads);
const devices = new Devices(threads);
const levels = [[64, 256], [128, 128], [256, 64], [512, 32]];
for (const [channels, size] of levels) {
  if (values.level !== undefined && Number(values.level) !== channels) continue;
  const title = `${values.layers} layers of ${channels} channels, ${size} x ${size}, ${threads} threads`;
  const graph = chain(channels, size, Number(values.layers));
  await contest(title, graph, names, devices, threads, Number(values.rounds), Number(values.limit));
}
devices.close();
