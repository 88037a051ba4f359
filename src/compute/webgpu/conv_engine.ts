import { InvalidArgumentError } from "../../util/errors.ts";
import type { BufferPart, ConvEngine, ConvLayer, ConvSpec, FeatureMap } from "../conv_engine.ts";
import { geometryOf, outputSize } from "../conv_geometry.ts";
import { requireCount, validateSpec, validateTask } from "../conv_validation.ts";
import type { Device, DeviceBuffer } from "../device.ts";
import { LayerCache, type LayerSource, layerSource } from "../layer_cache.ts";
import { WebGpuBuffer } from "./buffer_pool.ts";
import type { CommandQueue } from "./command_queue.ts";
import { type LayerPlan, planLayer } from "./conv_plan.ts";
import { type ArrangedSize, type ArrangedWeights, fewBlocks, requireFewBlocks } from "./conv_weights.ts";
import { groups, Params, type Program } from "./dispatch.ts";
import { FeatureMapPool, notPowerOfTwo, WebGpuFeatureMap } from "./feature_map.ts";
import { packSource, takesFourPixels, unpackSource } from "./kernels/conv_pack.ts";
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
    /** The buffers that it was made from, unless the host gave the values. */
    readonly source?: LayerSource,
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
  /** By whether four pixels are copied at a time. */
  readonly #pack: readonly Program[];
  readonly #unpack: readonly Program[];
  readonly #idle: LayerCache<{ size: ArrangedSize; weights: GpuResource }>;

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
    const programs = (name: string, bindings: string, text: typeof packSource) =>
      [false, true].map((four): Program => {
        return { key: `${name} ${storage} ${four}`, bindings, source: () => text(preset, four) };
      });
    this.#pack = programs("pack", `r${write}`, packSource);
    this.#unpack = programs("unpack", `${read}w`, unpackSource);
    this.#idle = new LayerCache(({ size, weights }) => pool.shelve(weightsKind(size), weights));
    pool.reclaim = () => this.#idle.clear();
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
    (target as WebGpuBuffer).version++;
    this.#convert(this.#unpack, [own.resource, buffer], offset, own);
  }

  prepare(spec: ConvSpec, weights: Float32Array, bias?: Float32Array): ConvLayer {
    validateSpec(spec, weights, bias);
    const plan = planLayer(spec, this.#preset);
    requireFewBlocks(plan.weights);
    const arranged = plan.weights.arrange(weights, bias);
    const resource = this.#preset.storage === "texture"
      ? this.#uploadTexture(arranged)
      : this.#uploadBuffer(arranged);
    this.#queue.pipelines.compile(plan.program);
    return new WebGpuConvLayer(this.#device, Object.freeze({ ...spec }), plan, resource);
  }

  prepareFrom(spec: ConvSpec, weights: BufferPart, bias?: BufferPart): ConvLayer {
    const source = layerSource(spec, weights, bias);
    const plan = planLayer(spec, this.#preset);
    requireFewBlocks(plan.weights);
    const resource = this.#kept(source) ?? this.#arrange(plan, weights, bias);
    return new WebGpuConvLayer(this.#device, Object.freeze({ ...spec }), plan, resource, source);
  }

  supports(spec: ConvSpec, height: number, width: number): boolean {
    const { weights: { size: [count, blocks, outGroups] } } = planLayer(spec, this.#preset);
    const size = outputSize(geometryOf(spec), height, width);
    return fewBlocks(blocks) && this.#maps.fits(spec.inChannels, height, width) &&
      this.#maps.fits(spec.outChannels, ...size) && this.#maps.fitsArray([count, blocks, outGroups]);
  }

  /** Drops what was kept of layers made from a buffer, which is released. */
  forget(buffer: DeviceBuffer): void {
    this.#idle.forget(buffer);
  }

  discard(layer: ConvLayer): void {
    const own = this.#ownLayer("discard", layer);
    if (own.weights) this.#free(own.weights, own.plan.weights.size, own.source);
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

  #free(weights: GpuResource, size: ArrangedSize, source: LayerSource | undefined): void {
    if (!source) this.#pool.discard(weights);
    else if (this.#idle.put(source, { size, weights })) this.#pool.keep(weights);
    else this.#pool.release(weightsKind(size), weights);
  }

  /** The weights of an earlier layer that was made from the same. */
  #kept(source: LayerSource): GpuResource | undefined {
    const kept = this.#idle.take(source);
    if (kept) this.#pool.reuse(kept.weights);
    return kept?.weights;
  }

  /** Rearranges weights on the device. */
  #arrange(plan: LayerPlan, weights: BufferPart, bias: BufferPart | undefined): GpuResource {
    const { size } = plan.weights;
    const arranged = this.#preset.storage === "texture"
      ? this.#weightTexture(size)
      : this.#weightBuffer(size);
    const filters = (weights.buffer as WebGpuBuffer).resource;
    const added = bias ? (bias.buffer as WebGpuBuffer).resource : filters;
    this.#queue.dispatch({
      ...plan.weights.arrangement(weights.offset, bias?.offset),
      resources: [filters, added, arranged],
    });
    return arranged;
  }

  #weightTexture(size: ArrangedSize): GpuResource {
    const textureSize = size.map(notPowerOfTwo);
    const bytes = textureSize[0] * textureSize[1] * textureSize[2] * 16;
    return this.#pool.acquire(weightsKind(size), bytes, () => this.#maps.createTexture(textureSize, bytes));
  }

  #weightBuffer([count, blocks, outGroups]: ArrangedSize): GpuResource {
    const bytes = count * blocks * outGroups * (this.#preset.half ? 8 : 16);
    const kind = weightsKind([count, blocks, outGroups]);
    return this.#pool.acquire(kind, bytes, () => this.#maps.createBuffer(bytes));
  }

  #uploadTexture({ data, size }: ArrangedWeights): GpuResource {
    const resource = this.#weightTexture(size);
    const layout = { bytesPerRow: size[0] * 16, rowsPerImage: size[1] };
    this.#gpu.queue.writeTexture({ texture: resource.memory as GPUTexture }, data, layout, [...size]);
    return resource;
  }

  #uploadBuffer({ data, size }: ArrangedWeights): GpuResource {
    const values = this.#preset.half ? new Uint16Array(new Float16Array(data).buffer) : data;
    const resource = this.#weightBuffer(size);
    this.#queue.writeBuffer(resource, 0, values);
    return resource;
  }

  #convert(
    programs: readonly Program[],
    resources: GpuResource[],
    offset: number,
    map: WebGpuFeatureMap,
  ): void {
    const { channels, height, width, blocks, row, plane } = map;
    const four = takesFourPixels(offset, width);
    this.#queue.dispatch({
      program: programs[Number(four)],
      resources,
      params: new Params().int(offset, channels, height, width, blocks, row, plane),
      workgroups: [groups(height * (four ? width / 4 : width), 64), 1, groups(blocks, 1)],
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

function weightsKind(size: ArrangedSize): string {
  return `weights ${size.join(" ")}`;
}
