import { InvalidArgumentError } from "../../util/errors.ts";
import type { ConvEngine, ConvLayer, ConvSpec, FeatureMap } from "../conv_engine.ts";
import { requireCount, validateSpec, validateTask } from "../conv_validation.ts";
import type { Device, DeviceBuffer } from "../device.ts";
import { WebGpuBuffer } from "./buffer_pool.ts";
import type { CommandQueue } from "./command_queue.ts";
import { type ArrangedWeights, type LayerPlan, planLayer } from "./conv_plan.ts";
import { groups, Params, type Program } from "./dispatch.ts";
import { FeatureMapPool, notPowerOfTwo, WebGpuFeatureMap } from "./feature_map.ts";
import { packSource, unpackSource } from "./kernels/conv_pack.ts";
import type { ConvPreset } from "./presets.ts";
import type { GpuResource, ResourcePool } from "./resource_pool.ts";

/** A layer with its weights in GPU memory. */
class WebGpuConvLayer implements ConvLayer {
  constructor(
    readonly device: Device,
    readonly spec: ConvSpec,
    readonly plan: LayerPlan,
    /** Undefined once the layer was discarded. */
    public weights: GpuResource | undefined,
  ) {}
}

/** Convolutional networks on WebGPU; layout and tiles come from the adapter's preset. */
export class WebGpuConvEngine implements ConvEngine {
  readonly #device: Device;
  readonly #queue: CommandQueue;
  readonly #pool: ResourcePool;
  readonly #maps: FeatureMapPool;
  readonly #preset: ConvPreset;
  readonly #gpu: GPUDevice;
  readonly #pack: Program;
  readonly #unpack: Program;

  /** @param device the device that owns this engine's maps, layers and buffers */
  constructor(
    device: Device,
    gpu: GPUDevice,
    queue: CommandQueue,
    pool: ResourcePool,
    preset: ConvPreset,
  ) {
    this.#device = device;
    this.#gpu = gpu;
    this.#queue = queue;
    this.#pool = pool;
    this.#preset = preset;
    const { storage } = preset;
    this.#maps = new FeatureMapPool(gpu, pool, preset);
    const [read, write] = storage === "texture" ? ["i", "o"] : ["r", "w"];
    this.#pack = { key: `pack ${storage}`, bindings: `r${write}`, source: () => packSource(preset) };
    this.#unpack = { key: `unpack ${storage}`, bindings: `${read}w`, source: () => unpackSource(preset) };
  }

  allocate(channels: number, height: number, width: number): FeatureMap {
    for (const [name, value] of Object.entries({ channels, height, width })) {
      requireCount("allocate a feature map", name, value);
    }
    const resource = this.#maps.acquire(channels, height, width);
    return new WebGpuFeatureMap(this.#device, channels, height, width, resource);
  }

  mapBytes(channels: number, height: number, width: number): number {
    return this.#maps.bytes(channels, height, width);
  }

  scratchBytes(spec: ConvSpec, height: number, width: number, inPlace: boolean): number {
    return inPlace ? this.#maps.bytes(spec.outChannels, height, width) : 0;
  }

  release(map: FeatureMap): void {
    const own = this.#ownMap("release", map);
    own.released = true;
    this.#maps.release(own, own.resource);
  }

  pack(source: DeviceBuffer, offset: number, map: FeatureMap): void {
    const own = this.#ownMap("pack", map);
    const buffer = this.#planes("pack", source, offset, own);
    this.#convert(this.#pack, [buffer, own.resource], offset, own);
  }

  unpack(map: FeatureMap, target: DeviceBuffer, offset: number): void {
    const own = this.#ownMap("unpack", map);
    const buffer = this.#planes("unpack", target, offset, own);
    this.#convert(this.#unpack, [own.resource, buffer], offset, own);
  }

  prepare(spec: ConvSpec, weights: Float32Array, bias?: Float32Array): ConvLayer {
    validateSpec(spec, weights, bias);
    const plan = planLayer(spec, this.#preset);
    const arranged = plan.arrange(weights, bias);
    const resource = this.#preset.storage === "texture"
      ? this.#uploadTexture(arranged)
      : this.#uploadBuffer(arranged);
    this.#queue.pipelines.compile(plan.program);
    return new WebGpuConvLayer(this.#device, Object.freeze({ ...spec }), plan, resource);
  }

  discard(layer: ConvLayer): void {
    const own = this.#ownLayer("discard", layer);
    if (own.weights) this.#pool.discard(own.weights);
    own.weights = undefined;
  }

  apply(layer: ConvLayer, input: FeatureMap, output: FeatureMap, addends: readonly FeatureMap[]): void {
    const { spec, plan, weights } = this.#ownLayer("apply", layer);
    if (!weights) throw new InvalidArgumentError("apply a layer", "layer", "live", "one that was discarded");
    const from = this.#ownMap("apply", input);
    const to = this.#ownMap("apply", output);
    const added = addends.map((map) => this.#ownMap("apply", map));
    validateTask(spec, plan.geometry, from, to, added);
    const target = added.includes(to) ? this.#maps.acquire(to.channels, to.height, to.width) : to.resource;
    const resources = [from.resource, weights, ...added.map(({ resource }) => resource), target];
    for (const launch of plan.launches(from, to)) {
      this.#queue.dispatch({ program: plan.program, resources, ...launch });
    }
    if (target !== to.resource) {
      this.#maps.release(to, to.resource);
      to.resource = target;
    }
  }

  #uploadTexture({ data, size }: ArrangedWeights): GpuResource {
    const textureSize = size.map(notPowerOfTwo);
    const bytes = textureSize[0] * textureSize[1] * textureSize[2] * 16;
    const resource = this.#pool.acquire("weights", bytes, () => this.#maps.createTexture(textureSize, bytes));
    const layout = { bytesPerRow: size[0] * 16, rowsPerImage: size[1] };
    this.#gpu.queue.writeTexture({ texture: resource.memory as GPUTexture }, data, layout, [...size]);
    return resource;
  }

  #uploadBuffer({ data }: ArrangedWeights): GpuResource {
    const values = this.#preset.half ? new Uint16Array(new Float16Array(data).buffer) : data;
    const bytes = values.byteLength;
    const resource = this.#pool.acquire("weights", bytes, () => this.#maps.createBuffer(bytes));
    this.#queue.writeBuffer(resource, 0, values);
    return resource;
  }

  #convert(program: Program, resources: GpuResource[], offset: number, map: WebGpuFeatureMap): void {
    const { channels, height, width, blocks, row, plane } = map;
    this.#queue.dispatch({
      program,
      resources,
      params: new Params().int(offset, channels, height, width, blocks, row, plane),
      workgroups: [groups(width, 64), groups(height, 1), groups(blocks, 1)],
    });
  }

  #ownMap(action: string, map: FeatureMap): WebGpuFeatureMap {
    if (!(map instanceof WebGpuFeatureMap) || map.device !== this.#device) {
      throw new InvalidArgumentError(action, "feature map", "one of this device", "another device's");
    }
    if (map.released) throw new InvalidArgumentError(action, "feature map", "live", "one that was released");
    return map;
  }

  #ownLayer(action: string, layer: ConvLayer): WebGpuConvLayer {
    if (layer instanceof WebGpuConvLayer && layer.device === this.#device) return layer;
    throw new InvalidArgumentError(action, "layer", "one of this device", "another device's");
  }

  #planes(action: string, buffer: DeviceBuffer, offset: number, map: FeatureMap): GpuResource {
    if (!(buffer instanceof WebGpuBuffer) || buffer.device !== this.#device || buffer.released) {
      throw new InvalidArgumentError(action, "buffer", "a live buffer of this device", "another");
    }
    const count = map.channels * map.height * map.width;
    if (offset < 0 || offset + count > buffer.length) {
      const got = `${buffer.length} values, offset ${offset}, ${count} values of the map`;
      throw new InvalidArgumentError(action, "buffer", "large enough for the map", got);
    }
    return buffer.resource;
  }
}
