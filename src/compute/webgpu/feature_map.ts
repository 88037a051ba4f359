import { DeviceError } from "../errors.ts";
import type { FeatureMap } from "../conv_engine.ts";
import type { Device } from "../device.ts";
import { type ConvTarget, paddedLength } from "./kernels/conv_layout.ts";
import { GpuResource, type ResourcePool } from "./resource_pool.ts";

/**
 * One image's activations: blocks of four channels, rows, columns, each value a vec4f, with a border of zeros that no
 * layer ever writes.
 */
export class WebGpuFeatureMap implements FeatureMap {
  /** Set once by release. */
  released = false;

  constructor(
    readonly device: Device,
    readonly channels: number,
    readonly height: number,
    readonly width: number,
    /** Replaced when a layer writes to a map that it also reads. */
    public resource: GpuResource,
  ) {}

  /** Blocks of four channels. */
  get blocks(): number {
    return Math.ceil(this.channels / 4);
  }

  /** vec4f per padded row. */
  get row(): number {
    return mapLength(this.width);
  }

  /** vec4f per padded plane. */
  get plane(): number {
    return this.row * mapLength(this.height);
  }
}

/** Memory of feature maps by shape. Only the inside of an image is ever written, so reused maps keep their zero border. */
export class FeatureMapPool {
  readonly #gpu: GPUDevice;
  readonly #pool: ResourcePool;
  readonly #target: Pick<ConvTarget, "storage" | "half">;

  constructor(gpu: GPUDevice, pool: ResourcePool, target: Pick<ConvTarget, "storage" | "half">) {
    this.#gpu = gpu;
    this.#pool = pool;
    this.#target = target;
  }

  /** Zero-bordered memory for a map of this shape. */
  acquire(channels: number, height: number, width: number): GpuResource {
    const size = [mapLength(width), mapLength(height), Math.ceil(channels / 4)];
    const bytes = this.bytes(channels, height, width);
    return this.#pool.acquire(mapKind(channels, height, width), bytes, () => {
      return this.#target.storage === "texture" ? this.createTexture(size, bytes) : this.createBuffer(bytes);
    });
  }

  /** Bytes of a map of this shape. */
  bytes(channels: number, height: number, width: number): number {
    const value = this.#target.storage === "buffer" && this.#target.half ? 8 : 16;
    return mapLength(width) * mapLength(height) * Math.ceil(channels / 4) * value;
  }

  /** Whether the adapter's limits allow a map of this shape. */
  fits(channels: number, height: number, width: number): boolean {
    if (this.#target.storage === "buffer") {
      return this.bytes(channels, height, width) <= this.#largestBuffer();
    }
    return this.fitsArray([mapLength(width), mapLength(height), Math.ceil(channels / 4)]);
  }

  /** Whether they allow weights of this size: vec4f along rows, columns and layers. */
  fitsArray(size: readonly number[]): boolean {
    if (this.#target.storage === "buffer") return 16 * size[0] * size[1] * size[2] <= this.#largestBuffer();
    const { maxTextureDimension2D, maxTextureArrayLayers } = this.#gpu.limits;
    const [width, height, layers] = size.map(notPowerOfTwo);
    return Math.max(width, height) <= maxTextureDimension2D && layers <= maxTextureArrayLayers;
  }

  #largestBuffer(): number {
    return Math.min(this.#gpu.limits.maxStorageBufferBindingSize, this.#gpu.limits.maxBufferSize);
  }

  /** Returns a map's memory. */
  release(map: FeatureMap, resource: GpuResource): void {
    this.#pool.release(mapKind(map.channels, map.height, map.width), resource);
  }

  /** An unpooled texture array of rgba32float, zero at first. */
  createTexture(size: readonly number[], bytes: number): GpuResource {
    const { maxTextureDimension2D, maxTextureArrayLayers } = this.#gpu.limits;
    if (Math.max(size[0], size[1]) > maxTextureDimension2D || size[2] > maxTextureArrayLayers) {
      throw new DeviceError(
        `Cannot allocate a feature map or layer: it must be at most ${maxTextureDimension2D} x ${maxTextureDimension2D}` +
          ` x ${maxTextureArrayLayers} on this adapter, got ${
            size.join(" x ")
          }; use smaller tiles (patchSize)`,
      );
    }
    const texture = this.#gpu.createTexture({
      size: [...size],
      format: "rgba32float",
      usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
    });
    return new GpuResource(bytes, texture.createView({ dimension: "2d-array" }), texture);
  }

  /** An unpooled storage buffer, zero at first. */
  createBuffer(bytes: number): GpuResource {
    const limit = this.#largestBuffer();
    if (bytes > limit) {
      throw new DeviceError(
        `Cannot allocate a feature map or layer: it must be at most ${limit} bytes on this adapter, got ${bytes}; ` +
          "use smaller tiles (patchSize)",
      );
    }
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const buffer = this.#gpu.createBuffer({ size: bytes, usage });
    return new GpuResource(bytes, { buffer }, buffer);
  }
}

/**
 * `size`, or the next number if it is a power of two: lavapipe compiles a shader anew for textures whose sizes differ in
 * being powers of two.
 */
export function notPowerOfTwo(size: number): number {
  return Number.isInteger(Math.log2(size)) ? notPowerOfTwo(size + 1) : size;
}

function mapLength(length: number): number {
  return notPowerOfTwo(paddedLength(length));
}

function mapKind(channels: number, height: number, width: number): string {
  return `map ${Math.ceil(channels / 4)} ${height} ${width}`;
}
