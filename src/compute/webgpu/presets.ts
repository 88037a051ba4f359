/** How convolutional networks are laid out and tiled on one class of adapters. */
export interface ConvPreset {
  /** Where activations and weights live. */
  readonly storage: "texture" | "buffer";
  /**
   * Whether buffers hold float16, of half the size: the adapter needs shader-f16. Sums are float32 all the same. Every
   * layer rounds its weights, bias and results to 11 bits, a relative error of about 5e-4 each.
   */
  readonly half?: boolean;
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
  /**
   * Where storage is buffers: workgroups of 3 x 3 layers copy pixels and weights into workgroup memory, and have as many
   * invocations along a row, down a column and over output channels; an invocation computes 4 x 2 pixels.
   */
  readonly shared?: { readonly across: number; readonly down: number; readonly deep: number };
  /** What classes of layers have in place of the tiles above: see `layerClass`. */
  readonly classes?: Readonly<Record<string, ConvTiles>>;
}

/** What may differ between the layers of a device. */
export type ConvTiles = Pick<
  ConvPreset,
  "broadcastLanes" | "workgroup" | "winograd" | "channels" | "shared"
>;

/**
 * Mesa's lavapipe, a CPU: a load from a storage buffer costs as much as 20 multiply-adds, one from a storage texture 5,
 * and a broadcast less than 1.
 */
function softwarePreset(lanes: number): ConvPreset {
  return { storage: "texture", broadcastLanes: lanes, workgroup: lanes, winograd: true, channels: 8 };
}

/** Any GPU: caches serve loads that a whole workgroup shares, and registers hold 8 pixels x 8 channels. */
export const CACHED_PRESET: ConvPreset = {
  storage: "buffer",
  broadcastLanes: 0,
  workgroup: 64,
  winograd: false,
  channels: 8,
};

/** Integrated GPUs: workgroups of 64 invocations over 16 x 16 pixels x 16 channels; 7.5 KiB of workgroup memory. */
export const INTEGRATED_PRESET: ConvPreset = { ...CACHED_PRESET, shared: { across: 4, down: 8, deep: 2 } };

/** Discrete GPUs: workgroups of 128 invocations over 16 x 16 pixels x 32 channels; 9.8 KiB of workgroup memory. */
export const DISCRETE_PRESET: ConvPreset = { ...CACHED_PRESET, shared: { across: 4, down: 8, deep: 4 } };

/** PCI vendors whose GPUs are, for the most part, integrated: Intel, Apple, Qualcomm, ARM. */
const INTEGRATED_VENDORS = [0x8086, 0x106b, 0x5143, 0x13b5];
const INTEGRATED_NAMES = /intel|apple|qualcomm|adreno|\barm\b|mali|integrated/i;

/** The class of a hardware adapter, by what WebGPU tells of it. */
export function hardwareClass(
  { vendor, description }: Pick<GPUAdapterInfo, "vendor" | "description">,
): "integrated" | "discrete" {
  const integrated = INTEGRATED_VENDORS.includes(Number(vendor)) ||
    INTEGRATED_NAMES.test(`${vendor} ${description}`);
  return integrated ? "integrated" : "discrete";
}

/** The preset for an opened adapter. Software adapters without fixed subgroups are treated as hardware. */
export function choosePreset(gpu: GPUDevice, info: GPUAdapterInfo, isSoftware: boolean): ConvPreset {
  const { subgroupMinSize, subgroupMaxSize } = info;
  const fixed = gpu.features.has("subgroups") && subgroupMinSize === subgroupMaxSize && subgroupMaxSize >= 4;
  if (isSoftware && fixed) return softwarePreset(subgroupMaxSize);
  return hardwareClass(info) === "integrated" ? INTEGRATED_PRESET : DISCRETE_PRESET;
}
