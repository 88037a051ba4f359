import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { geometryOf } from "../../src/compute/conv_geometry.ts";

/** The layers that have algorithms of their own. */
export const LAYERS = {
  conv3x3: { kernel: 3, stride: 1, padding: 1, transposed: false },
  down2x2: { kernel: 2, stride: 2, padding: 0, transposed: false },
  up2x2: { kernel: 2, stride: 2, padding: 0, transposed: true },
} as const satisfies Record<string, Partial<ConvSpec>>;

/** One of them. */
export type LayerName = keyof typeof LAYERS;

/** Their outputs' sides over their inputs'. */
export const SCALES: Readonly<Record<LayerName, number>> = { conv3x3: 1, down2x2: 0.5, up2x2: 2 };

/** Values of a layer's weights. */
export function weightCount(spec: ConvSpec): number {
  const [rows, columns] = geometryOf(spec).kernel;
  return spec.inChannels * spec.outChannels * rows * columns;
}
