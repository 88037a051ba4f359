import type { Device } from "../../src/compute/device.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { GEOMETRY, type LayerGraph, type Runner } from "./layer_graph.ts";

/** A graph as a user writes it with `Tensor.conv2d` and `Tensor.convTranspose2d`, from planes to planes. */
export function tensorRunner(device: Device, graph: LayerGraph): Runner {
  const weights = new Map(graph.layers.map(({ op, weights: key, inChannels, outChannels }) => {
    const { kernel, transposed } = GEOMETRY[op];
    const pair = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
    return [key, Tensor.from(graph.weights.get(key)!, [...pair, kernel, kernel], { device })];
  }));
  const { channels, size } = graph;
  return {
    async run(x) {
      const maps = new Map([["x", Tensor.from(x, [1, channels, size, size], { device })]]);
      const held: Tensor[] = [...maps.values()];
      const keep = (tensor: Tensor) => {
        held.push(tensor);
        return tensor;
      };
      for (const { op, weights: key, input, output, relu, addends } of graph.layers) {
        const { stride, padding, dilation, transposed } = GEOMETRY[op];
        const [from, w] = [maps.get(input)!, weights.get(key)!];
        const places = { stride, padding, dilation };
        let y = keep(transposed ? from.convTranspose2d(w, places) : from.conv2d(w, places));
        if (relu) y = keep(y.relu());
        for (const addend of addends) y = keep(y.add(maps.get(addend)!));
        maps.set(output, y);
      }
      const values = await held.at(-1)!.data();
      held.forEach((tensor) => tensor.dispose());
      return values;
    },
    close() {
      for (const tensor of weights.values()) tensor.dispose();
    },
  };
}
