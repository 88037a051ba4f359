/** How convolutional networks are laid out and tiled on one class of adapters. */
export interface ConvPreset {
  /** Where activations and weights live. */
  readonly storage: "texture" | "buffer";
  /**
   * Lanes of a subgroup, where all subgroups have as many and loads are dear: workgroups of one subgroup, in which each
   * lane loads a slice of the weights and broadcasts it. 0: every invocation loads all weights it needs.
   */
  readonly broadcastLanes: number;
  /** Invocations per workgroup. */
  readonly workgroup: number;
  /** Whether 3 x 3 layers use the Winograd algorithm F(4, 3) along rows. */
  readonly winograd: boolean;
  /** Output channels per invocation, a multiple of 4. */
  readonly channels: number;
}

/**
 * Mesa's lavapipe, a CPU: a load from a storage buffer costs as much as 20 multiply-adds, one from a storage texture 5,
 * and a broadcast less than 1.
 */
function softwarePreset(lanes: number): ConvPreset {
  return { storage: "texture", broadcastLanes: lanes, workgroup: lanes, winograd: true, channels: 8 };
}

/** GPUs: caches serve loads that a whole workgroup shares, and registers hold 8 pixels x 8 channels. */
export const HARDWARE_PRESET: ConvPreset = {
  storage: "buffer",
  broadcastLanes: 0,
  workgroup: 64,
  winograd: false,
  channels: 8,
};

/** The preset for an opened adapter. Software adapters without fixed subgroups are treated as hardware. */
export function choosePreset(gpu: GPUDevice, info: GPUAdapterInfo, isSoftware: boolean): ConvPreset {
  const { subgroupMinSize, subgroupMaxSize } = info;
  const fixed = gpu.features.has("subgroups") && subgroupMinSize === subgroupMaxSize && subgroupMaxSize >= 4;
  return isSoftware && fixed ? softwarePreset(subgroupMaxSize) : HARDWARE_PRESET;
}
