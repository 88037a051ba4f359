import type { BufferPart, ConvEngine, ConvLayer } from "./conv_engine.ts";
import { geometryOf, outputSize } from "./conv_geometry.ts";

/**
 * A layer without addends from planes to planes: the engine's shorter way where it has one, else by way of feature maps.
 *
 * @param source planes (inChannels, height, width)
 * @param target planes of the output's shape; other ones than the source's
 */
export function applyToPlanes(
  engine: ConvEngine,
  layer: ConvLayer,
  source: BufferPart,
  height: number,
  width: number,
  target: BufferPart,
): void {
  if (engine.applyToPlanes?.(layer, source, height, width, target)) return;
  const { spec } = layer;
  const from = engine.allocate(spec.inChannels, height, width);
  try {
    const to = engine.allocate(spec.outChannels, ...outputSize(geometryOf(spec), height, width));
    try {
      engine.pack(source.buffer, source.offset, from);
      engine.apply(layer, from, to, []);
      engine.unpack(to, target.buffer, target.offset);
    } finally {
      engine.release(to);
    }
  } finally {
    engine.release(from);
  }
}
