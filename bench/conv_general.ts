/**
 * How fast are convolution layers of all kinds? One layer from planes to planes through the convolution engine, as ConvNet
 * runs it, and through `Tensor.conv2d` and `Tensor.convTranspose2d` ("-tensor"), beside the peers of conv3x3.ts.
 *
 *     deno run -A --no-lock bench/conv_general.ts [--threads 2] [--rounds 5] [--limit 300] [--layer 5x5] [contestants]
 *
 * Contestants take turns, the smallest time counts; `--threads` holds for all of them but ort-wasm, which has one.
 * `--layer` picks those whose name contains it.
 */
import { parseArgs } from "node:util";
import { contest, contestants, Devices, OPTIONS } from "./support/contest.ts";
import { GEOMETRY, type LayerOp, single } from "./support/layer_graph.ts";

const LAYERS: readonly (readonly [op: LayerOp, inChannels: number, outChannels: number, size: number])[] = [
  ["conv3x3", 64, 64, 256],
  ["conv3x3", 3, 64, 256],
  ["conv3x3", 64, 3, 256],
  ["conv1x1", 64, 64, 256],
  ["down3x3", 64, 64, 256],
  ["down5x5", 32, 64, 256],
  ["conv5x5", 32, 32, 256],
  ["conv7x7", 64, 64, 128],
  ["dilated3x3", 64, 64, 128],
  ["up4x4", 64, 32, 128],
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...OPTIONS,
    layer: { type: "string", default: "" },
  },
});
const names = contestants(positionals);
const threads = Number(values.threads);
const devices = new Devices(threads);
for (const [op, inChannels, outChannels, size] of LAYERS) {
  const { kernel, stride, dilation, transposed } = GEOMETRY[op];
  const places = `${stride > 1 ? `, stride ${stride}` : ""}${dilation > 1 ? `, dilation ${dilation}` : ""}`;
  const kind = `${kernel}x${kernel}${places}${transposed ? ", transposed" : ""}`;
  const title = `${kind}, ${inChannels} to ${outChannels} channels, ${size} x ${size}, ${threads} threads`;
  if (!`${op} ${title}`.includes(values.layer)) continue;
  const graph = single(op, inChannels, outChannels, size);
  await contest(title, graph, names, devices, threads, Number(values.rounds), Number(values.limit));
}
devices.close();
