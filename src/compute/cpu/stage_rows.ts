import type { CpuFeatureMap } from "./feature_map.ts";
import type { Kernels } from "./wasm/kernels.ts";
import { stageRow } from "./wasm/stage_row.ts";

const SPEC = Object.freeze({});

/** Rows of a feature map with as many zeros around them as taps reach. */
export interface StagedRows {
  /** The first one; negative above the image. */
  readonly top: number;
  readonly count: number;
  /** Rows of the map from one to the next; default 1. */
  readonly step?: number;
  /** The first column; negative to the left of the image. */
  readonly start: number;
  /** Bytes of each. */
  readonly rowBytes: number;
}

/** Copies rows of a map to `to`, one behind the other; outside the image they are 0. */
export function stageRows(
  kernels: Kernels,
  input: CpuFeatureMap,
  to: number,
  { top, count, step = 1, start, rowBytes }: StagedRows,
): void {
  const stage = kernels.get(stageRow, SPEC);
  const pixel = 4 * input.pixel;
  const columns = rowBytes / pixel;
  const left = Math.min(Math.max(-start, 0), columns);
  const inside = Math.max(0, Math.min(start + columns, input.width) - Math.max(start, 0));
  for (let i = 0; i < count; i++) {
    const row = top + i * step;
    const present = row >= 0 && row < input.height ? inside : 0;
    stage(
      to + i * rowBytes,
      pixel * left,
      input.origin + (present > 0 ? row * input.rowBytes + pixel * Math.max(start, 0) : 0),
      pixel * present,
      rowBytes - pixel * (left + present),
    );
  }
}
