import { InvalidArgumentError } from "../util/errors.ts";
import { foreignState } from "./foreign_state.ts";
import type { ParameterShapes, StateDict } from "./state_dict.ts";

/** The size of a DRUNet. */
export interface DRUNetConfig {
  /** Channels of the noisy image, without the noise map. */
  readonly inChannels: number;
  /** Channels of the result. */
  readonly outChannels: number;
  /** Channels of the four levels, finest first. */
  readonly nc: readonly [number, number, number, number];
  /** Residual blocks in every stage. */
  readonly nb: number;
}

/** The full-size network of the paper and of deepinv. */
export const DEFAULT_NC: DRUNetConfig["nc"] = [64, 128, 256, 512];
/** Residual blocks a stage in the full-size network. */
export const DEFAULT_NB = 4;

/** The keys and shapes of a DRUNet's parameters in deepinv's order. */
export function parameterShapes({ inChannels, outChannels, nc, nb }: DRUNetConfig): ParameterShapes {
  const shapes = new Map<string, readonly number[]>();
  const blocks = (stage: string, first: number, n: number) => {
    for (let block = first; block < first + nb; block++) {
      for (const conv of [0, 2]) shapes.set(`${stage}.${block}.res.${conv}.weight`, [n, n, 3, 3]);
    }
  };
  shapes.set("m_head.weight", [nc[0], inChannels + 1, 3, 3]);
  for (let level = 1; level <= 3; level++) {
    blocks(`m_down${level}`, 0, nc[level - 1]);
    shapes.set(`m_down${level}.${nb}.weight`, [nc[level], nc[level - 1], 2, 2]);
  }
  blocks("m_body", 0, nc[3]);
  for (let level = 3; level >= 1; level--) {
    shapes.set(`m_up${level}.0.weight`, [nc[level], nc[level - 1], 2, 2]);
    blocks(`m_up${level}`, 1, nc[level - 1]);
  }
  shapes.set("m_tail.weight", [outChannels, nc[0], 3, 3]);
  return shapes;
}

/**
 * Reads a network's size off a state dict's keys and shapes.
 *
 * @throws {InvalidArgumentError} when it is not a DRUNet's
 */
export function sizeOf(state: StateDict): DRUNetConfig {
  const keys = ["m_head", "m_tail", "m_up1.0", "m_up2.0", "m_up3.0"];
  const shapes = keys.map((key) => state.get(`${key}.weight`)?.shape);
  let nb = 0;
  while (state.has(`m_body.${nb}.res.0.weight`)) nb++;
  if (shapes.some((shape) => shape?.length !== 4) || nb === 0) {
    throw foreignState("DRUNet", "m_head.weight, m_body.0.res.0.weight, ...", state);
  }
  const [head, tail, up1, up2, up3] = shapes as number[][];
  return { inChannels: head[1] - 1, outChannels: tail[0], nc: [up1[1], up2[1], up3[1], up3[0]], nb };
}

/** @throws {InvalidArgumentError} when a channel count or nb is not a whole number >= 1 */
export function checkConfig({ inChannels, outChannels, nc, nb }: DRUNetConfig): void {
  const counts = [inChannels, outChannels, nb, ...nc];
  if (nc.length !== 4 || !counts.every((count) => Number.isInteger(count) && count >= 1)) {
    throw new InvalidArgumentError(
      "build DRUNet",
      "inChannels, outChannels, nb and the four values of nc",
      "whole numbers >= 1",
      `${inChannels}, ${outChannels}, ${nb} and [${nc}]`,
    );
  }
}
