import type { ConvSpec } from "../conv_engine.ts";
import { geometryOf, specialOf } from "../conv_geometry.ts";
import type { ConvPreset, ConvTiles } from "./presets.ts";

/** Layers that one choice of tiles serves: what they do and, of 3x3 ones, how many channels they have. */
export type LayerClass = string;

/** A layer's class. Networks have few channels on large maps and many on small ones, so channels stand for both. */
export function layerClass(spec: ConvSpec): LayerClass {
  const geometry = geometryOf(spec);
  const special = specialOf(geometry);
  if (special === "conv3x3") {
    const channels = Math.sqrt(spec.inChannels * spec.outChannels);
    return `3x3 ${channels <= 24 ? "few" : channels <= 96 ? "some" : "many"} channels`;
  }
  if (special) return special;
  if (geometry.transposed) return "transposed";
  if (geometry.stride.some((step) => step > 1)) return "strided";
  return geometry.kernel[0] * geometry.kernel[1] === 1 ? "1x1" : "other";
}

/** A layer of a class, and the side of the image that it is measured on. */
export interface TypicalLayer {
  readonly spec: ConvSpec;
  readonly size: number;
}

function typical(channels: number, size: number, places: Partial<ConvSpec>): TypicalLayer {
  const sizes = { inChannels: channels, outChannels: channels };
  return { spec: { kernel: 3, ...places, ...sizes, bias: false, activation: "relu", addends: 0 }, size };
}

/** One layer of every class, of the sizes that networks for images of some hundred pixels have. */
export const TYPICAL_LAYERS: readonly TypicalLayer[] = [
  typical(16, 256, { padding: 1 }),
  typical(64, 128, { padding: 1 }),
  typical(256, 32, { padding: 1 }),
  typical(64, 128, { kernel: 2, stride: 2 }),
  typical(64, 64, { kernel: 2, stride: 2, transposed: true }),
  typical(64, 64, { kernel: 4, stride: 2, padding: 1, transposed: true }),
  typical(64, 128, { stride: 2, padding: 1 }),
  typical(64, 128, { kernel: 1 }),
  typical(32, 128, { kernel: 5, padding: 2 }),
];

/** A preset with the tiles that it has for a layer's class. */
export function presetFor(spec: ConvSpec, preset: ConvPreset): ConvPreset {
  const tiles: ConvTiles | undefined = preset.classes?.[layerClass(spec)];
  return tiles ? { ...preset, ...tiles } : preset;
}
