import type { FeatureMap } from "../../src/compute/conv_engine.ts";
import { applyToPlanes } from "../../src/compute/conv_planes.ts";
import type { Device } from "../../src/compute/device.ts";
import { GEOMETRY, type LayerGraph, outputSide, type Runner } from "./layer_graph.ts";

/** A graph on our convolution engine, from planes to planes. */
export function ourRunner(device: Device, graph: LayerGraph): Runner {
  const { conv } = device;
  const layers = graph.layers.map((layer) => {
    const spec = {
      ...GEOMETRY[layer.op],
      inChannels: layer.inChannels,
      outChannels: layer.outChannels,
      bias: false,
      activation: layer.relu ? "relu" : "none",
      addends: layer.addends.length as 0 | 1 | 2,
    } as const;
    return { ...layer, prepared: conv.prepare(spec, graph.weights.get(layer.weights)!) };
  });
  const lastUse = new Map(
    layers.flatMap(({ input, addends }, i) => [input, ...addends].map((name) => [name, i])),
  );
  const { channels, size, outSize } = graph;
  const outChannels = layers.at(-1)!.outChannels;
  const source = device.allocate(channels * size * size);
  const target = device.allocate(outChannels * outSize * outSize);
  return {
    run(x) {
      const [{ prepared: only }] = layers;
      if (layers.length === 1) {
        device.write(source, x);
        applyToPlanes(conv, only, { buffer: source, offset: 0 }, size, size, { buffer: target, offset: 0 });
        return device.read(target);
      }
      const maps = new Map<string, FeatureMap>();
      maps.set("x", conv.allocate(channels, size, size));
      device.write(source, x);
      conv.pack(source, 0, maps.get("x")!);
      layers.forEach(({ prepared, op, input, addends, output }, i) => {
        const from = maps.get(input)!;
        const sides = [outputSide(op, from.height), outputSide(op, from.width)] as const;
        const to = conv.allocate(prepared.spec.outChannels, ...sides);
        conv.apply(prepared, from, to, addends.map((name) => maps.get(name)!));
        maps.set(output, to);
        for (const [name, map] of maps) {
          if (lastUse.get(name) !== i) continue;
          conv.release(map);
          maps.delete(name);
        }
      });
      const [result] = maps.values();
      conv.unpack(result, target, 0);
      conv.release(result);
      return device.read(target);
    },
    close() {
      for (const { prepared } of layers) conv.discard(prepared);
      device.release(source);
      device.release(target);
    },
  };
}
