import { InvalidArgumentError } from "../../util/errors.ts";
import type { BufferPart, ConvEngine, ConvLayer, ConvSpec, FeatureMap } from "../conv_engine.ts";
import { type ConvGeometry, geometryOf, type SpecialConv, specialOf } from "../conv_geometry.ts";
import {
  type Activation,
  activationOf,
  mapShape,
  requireCount,
  validateSpec,
  validateTask,
} from "../conv_validation.ts";
import type { DeviceBuffer } from "../device.ts";
import { DeviceError } from "../errors.ts";
import { LayerCache, type LayerSource, layerSource } from "../layer_cache.ts";
import { type Arena, blockSize } from "./arena.ts";
import type { CpuBuffer } from "./buffer.ts";
import type { ConvAlgorithm, ConvUnits, LayerPlan, PackedLayer } from "./conv_algorithm.ts";
import { down2x2, up2x2 } from "./conv2x2.ts";
import { general } from "./conv_general.ts";
import { CpuFeatureMap, featureMapBytes } from "./feature_map.ts";
import { transferMap } from "./map_transfer.ts";
import { isPointwise, pointwiseWork } from "./pointwise.ts";
import { type Arithmetic, arithmetic } from "./wasm/simd.ts";
import { KernelCache, type Kernels } from "./wasm/kernels.ts";
import type { ParallelWork, ThreadPool } from "./threads/pool.ts";
import { doWork } from "./threads/shared_work.ts";
import { winograd } from "./winograd.ts";
import { tilesPay, winogradGeneral } from "./winograd_general.ts";

const SPECIAL: Record<SpecialConv, ConvAlgorithm> = { conv3x3: winograd, down2x2, up2x2 };

function algorithmOf(plan: LayerPlan): ConvAlgorithm {
  const special = specialOf(plan.geometry);
  return special ? SPECIAL[special] : tilesPay(plan) ? winogradGeneral : general;
}

class CpuConvLayer implements ConvLayer, PackedLayer {
  readonly spec: ConvSpec;
  readonly geometry: ConvGeometry;
  readonly activation: Activation;
  discarded = false;
  /** The buffers that it was made from, unless the host gave the values. */
  source: LayerSource | undefined;

  constructor(
    readonly engine: CpuConvEngine,
    plan: LayerPlan,
    readonly algorithm: ConvAlgorithm,
    readonly weights: number,
    readonly bias: number,
    readonly bytes: number,
  ) {
    ({ spec: this.spec, geometry: this.geometry, activation: this.activation } = plan);
  }
}

/**
 * Convolutional networks through generated WebAssembly SIMD. Everything is done when a call returns, by one thread or several. Feature
 * maps and weights are blocks of the arena, which reuses them whatever their shape; their borders are cleared when they
 * are handed out.
 */
export class CpuConvEngine implements ConvEngine {
  readonly #arena: Arena;
  readonly #kernels: KernelCache;
  readonly #threads: ThreadPool | undefined;
  readonly #idle: LayerCache<CpuConvLayer>;
  #live = 0;

  /**
   * @param math the arithmetic of the generated kernels; by default the best that this engine has
   * @param threads who shares the work; absent: the calling thread alone
   */
  constructor(arena: Arena, math: Arithmetic = arithmetic(), threads?: ThreadPool) {
    this.#arena = arena;
    this.#threads = threads;
    this.#kernels = new KernelCache(arena.memory, math);
    this.#idle = new LayerCache(({ weights, bytes }) => arena.releaseKept(weights, bytes));
    arena.reclaim = () => this.#idle.clear();
  }

  /** Bytes of feature maps and weights; the arena's counters include them. */
  get live(): number {
    return this.#live;
  }

  /**
   * A feature map, contents undefined inside the image and zero outside.
   *
   * @throws {InvalidArgumentError} when a size is not a whole number >= 1
   * @throws {OutOfMemoryError} when the arena is full
   */
  allocate(channels: number, height: number, width: number): FeatureMap {
    for (const [name, value] of Object.entries({ channels, height, width })) {
      requireCount("allocate a feature map", name, value);
    }
    const bytes = featureMapBytes(channels, height, width);
    const map = new CpuFeatureMap(this.#arena, this.#arena.reserve(bytes), channels, height, width);
    this.#live += bytes;
    return map;
  }

  mapBytes(channels: number, height: number, width: number): number {
    return featureMapBytes(channels, height, width);
  }

  scratchBytes(spec: ConvSpec, height: number, width: number): number {
    const plan = planOf(spec, geometryOf(spec));
    const threads = isWorthSharing(plan, height, width) ? this.#threads?.size ?? 1 : 1;
    return threads * blockSize(algorithmOf(plan).scratchBytes(plan, height, width));
  }

  release(map: FeatureMap): void {
    const own = this.#map(map);
    own.released = true;
    this.#live -= own.bytes;
    this.#arena.release(own.address, own.bytes);
  }

  pack(source: DeviceBuffer, offset: number, map: FeatureMap): void {
    this.#transfer(this.#map(map), planes("pack", source, offset, map), offset, false);
  }

  unpack(map: FeatureMap, target: DeviceBuffer, offset: number): void {
    const values = planes("unpack", target, offset, map);
    (target as CpuBuffer).version++;
    this.#transfer(this.#map(map), values, offset, true);
  }

  /**
   * Builds a layer.
   *
   * @throws {InvalidArgumentError} when the spec, the weights' length or the bias do not fit together
   * @throws {OutOfMemoryError} when the arena is full
   */
  prepare(spec: ConvSpec, weights: Float32Array, bias?: Float32Array): ConvLayer {
    return this.#prepare(spec, weights, bias);
  }

  prepareFrom(spec: ConvSpec, weights: BufferPart, bias?: BufferPart): ConvLayer {
    const source = layerSource(spec, weights, bias);
    const kept = this.#idle.take(source);
    if (kept) {
      this.#arena.reuse(kept.bytes);
      this.#live += kept.bytes;
      kept.discarded = false;
      return kept;
    }
    const [rows, columns] = geometryOf(spec).kernel;
    const filters = part(weights, spec.inChannels * spec.outChannels * rows * columns);
    const layer = this.#prepare(spec, filters, bias && part(bias, spec.outChannels));
    layer.source = source;
    return layer;
  }

  supports(): boolean {
    return true;
  }

  /** Frees what was kept of layers made from a buffer, which is released. */
  forget(buffer: DeviceBuffer): void {
    this.#idle.forget(buffer);
  }

  #prepare(spec: ConvSpec, weights: Float32Array, bias: Float32Array | undefined): CpuConvLayer {
    const plan = planOf(spec, validateSpec(spec, weights, bias));
    const algorithm = algorithmOf(plan);
    const sizes = algorithm.sizes(plan);
    const bytes = 4 * (sizes.weights + sizes.bias);
    const address = this.#arena.reserve(bytes);
    const packed = this.#arena.view(address, sizes.weights + sizes.bias).fill(0);
    algorithm.pack(plan, weights, packed.subarray(0, sizes.weights));
    if (bias !== undefined) algorithm.packBias(plan, bias, packed.subarray(sizes.weights));
    this.#live += bytes;
    return new CpuConvLayer(this, plan, algorithm, address, address + 4 * sizes.weights, bytes);
  }

  discard(layer: ConvLayer): void {
    const own = this.#layer(layer);
    own.discarded = true;
    this.#live -= own.bytes;
    if (own.source && this.#idle.put(own.source, own)) this.#arena.keep(own.bytes);
    else this.#arena.release(own.weights, own.bytes);
  }

  /**
   * output = activation(layer(input) + bias) + addends.
   *
   * @throws {InvalidArgumentError} when shapes do not fit the layer
   */
  apply(layer: ConvLayer, input: FeatureMap, output: FeatureMap, addends: readonly FeatureMap[]): void {
    const own = this.#layer(layer);
    const task = {
      input: this.#map(input),
      output: this.#map(output),
      addends: addends.map((map) => this.#map(map)),
    };
    validateTask(own.spec, own.geometry, input, output, addends);
    const { algorithm } = own;
    const units = algorithm.units(own, task.output);
    const scratchBytes = algorithm.scratchBytes(own, output.height, output.width);
    const threads = this.#threads;
    if (threads && isWorthSharing(own, output.height, output.width)) {
      return threads.run(this.#kernels, {
        units,
        grain: algorithm.grain(own, units, threads.size, task.output),
        scratchBytes,
        run: bound((kernels) => algorithm.bind(kernels, own, task)),
      });
    }
    this.#arena.borrow(
      scratchBytes,
      (scratch) => algorithm.bind(this.#kernels, own, task)(scratch, 0, units),
    );
  }

  applyToPlanes(
    layer: ConvLayer,
    source: BufferPart,
    height: number,
    width: number,
    target: BufferPart,
  ): boolean {
    const own = this.#layer(layer);
    const { inChannels, outChannels } = own.spec;
    if (!isPointwise(own)) return false;
    const from = planes("pack", source.buffer, source.offset, { channels: inChannels, height, width });
    const to = planes("unpack", target.buffer, target.offset, { channels: outChannels, height, width });
    if (!this.#arena.owns(from) || !this.#arena.owns(to)) return false;
    (target.buffer as CpuBuffer).version++;
    const threads = isWorthSharing(own, height, width) ? this.#threads : undefined;
    const [read, written] = [from.byteOffset + 4 * source.offset, to.byteOffset + 4 * target.offset];
    const work = pointwiseWork(own, read, written, height * width, threads);
    doWork(this.#arena, this.#kernels, threads, work);
    return true;
  }

  /** Between planes and a map; planes outside the arena, which kernels cannot see, are copied by hand. */
  #transfer(map: CpuFeatureMap, data: Float32Array, offset: number, back: boolean): void {
    if (this.#arena.owns(data)) {
      const address = data.byteOffset + 4 * offset;
      transferMap(this.#arena, this.#kernels, this.#threads, map, address, back);
    } else if (back) map.write(data, offset);
    else map.read(data, offset);
  }

  #map(map: FeatureMap): CpuFeatureMap {
    if (!(map instanceof CpuFeatureMap) || !this.#arena.owns(map.data)) {
      throw new DeviceError("Cannot use a feature map of another device on the cpu device");
    }
    if (map.released) throw new DeviceError("Cannot use a feature map that was released");
    return map;
  }

  #layer(layer: ConvLayer): CpuConvLayer {
    if (!(layer instanceof CpuConvLayer) || layer.engine !== this) {
      throw new DeviceError("Cannot use a layer of another device on the cpu device");
    }
    if (layer.discarded) throw new DeviceError("Cannot use a layer that was discarded");
    return layer;
  }
}

/** Binds to the kernels that a thread pool gives, which are the same for most of a layer's tasks. */
function bound(bind: (kernels: Kernels) => ConvUnits): ParallelWork["run"] {
  let last: Kernels | undefined, compute: ConvUnits;
  return (kernels, scratch, first, end) => {
    if (kernels !== last) [last, compute] = [kernels, bind(kernels)];
    compute(scratch, first, end);
  };
}

/** Multiplications of a layer below which sharing them takes longer than it saves: some fifty microseconds. */
const WORTH_SHARING = 2 ** 20;

function isWorthSharing({ spec, geometry }: LayerPlan, height: number, width: number): boolean {
  const { kernel, stride, transposed } = geometry;
  const taps = kernel[0] * kernel[1] / (transposed ? stride[0] * stride[1] : 1);
  return taps * spec.inChannels * spec.outChannels * height * width >= WORTH_SHARING;
}

function planOf(spec: ConvSpec, geometry: ConvGeometry): LayerPlan {
  return { spec: Object.freeze({ ...spec }), geometry, activation: activationOf(spec) };
}

/** `count` values of a buffer of this device. */
function part({ buffer, offset }: BufferPart, count: number): Float32Array {
  return (buffer as CpuBuffer).data.subarray(offset, offset + count);
}

/** The buffer's values, after a check that `map` fits in from `offset` on. */
function planes(action: string, buffer: DeviceBuffer, offset: number, map: FeatureMap): Float32Array {
  const { data } = buffer as CpuBuffer;
  const last = data.length - map.channels * map.height * map.width;
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > last) {
    const requirement = `a whole number such that a map ${mapShape(map)} fits into ${data.length} values`;
    throw new InvalidArgumentError(`${action} a feature map`, "offset", requirement, String(offset));
  }
  return data;
}
