import type { ConvEngine, ConvLayer, ConvSpec, FeatureMap } from "./conv_engine.ts";
import type { BufferReader, Device, DeviceBuffer, DeviceKind, MemoryReport } from "./device.ts";

/**
 * A device that counts what another one would hold, and computes nothing: work that runs on it in no time shows the
 * memory that it needs. Every value that is read is 0; the weights of layers are not counted. No budget.
 */
export class PlanningDevice implements Device {
  readonly kind: DeviceKind;
  readonly name: string;
  readonly isSoftwareAdapter: boolean;
  readonly conv: ConvEngine;
  readonly #model: Device;
  readonly #counter = new Counter();

  /** @param model the device whose memory is planned */
  constructor(model: Device) {
    this.kind = model.kind;
    this.name = `plan of ${model.name}`;
    this.isSoftwareAdapter = model.isSoftwareAdapter;
    this.#model = model;
    this.conv = new PlanningEngine(model.conv, this.#counter);
  }

  bufferBytes(length: number): number {
    return this.#model.bufferBytes(length);
  }

  allocate(length: number): DeviceBuffer {
    this.#counter.take(this.bufferBytes(length));
    return { device: this, length };
  }

  release(buffer: DeviceBuffer): void {
    this.#counter.give(this.bufferBytes(buffer.length));
  }

  write(): void {}

  read(buffer: DeviceBuffer): Promise<Float32Array> {
    return Promise.resolve(new Float32Array(buffer.length));
  }

  reader(): BufferReader {
    return { next: (target) => void target.fill(0), end: () => Promise.resolve() };
  }

  run(): void {}

  synchronize(): Promise<void> {
    return Promise.resolve();
  }

  memory(): MemoryReport {
    return { live: this.#counter.live, pooled: 0, peak: this.#counter.peak, budget: Infinity };
  }

  /** Forgets the peak so far. */
  restart(): void {
    this.#counter.peak = this.#counter.live;
  }

  close(): void {}
}

/** Bytes held now, and at most so far. */
class Counter {
  live = 0;
  peak = 0;

  take(bytes: number): void {
    this.live += bytes;
    this.peak = Math.max(this.peak, this.live);
  }

  give(bytes: number): void {
    this.live -= bytes;
  }
}

/** Counts the feature maps that another engine would hold. */
class PlanningEngine implements ConvEngine {
  readonly #model: ConvEngine;
  readonly #counter: Counter;

  constructor(model: ConvEngine, counter: Counter) {
    this.#model = model;
    this.#counter = counter;
  }

  mapBytes(channels: number, height: number, width: number): number {
    return this.#model.mapBytes(channels, height, width);
  }

  scratchBytes(spec: ConvSpec, height: number, width: number, inPlace: boolean): number {
    return this.#model.scratchBytes(spec, height, width, inPlace);
  }

  allocate(channels: number, height: number, width: number): FeatureMap {
    this.#counter.take(this.mapBytes(channels, height, width));
    return { channels, height, width };
  }

  release({ channels, height, width }: FeatureMap): void {
    this.#counter.give(this.mapBytes(channels, height, width));
  }

  pack(): void {}

  unpack(): void {}

  prepare(spec: ConvSpec): ConvLayer {
    return { spec };
  }

  prepareFrom(spec: ConvSpec): ConvLayer {
    return { spec };
  }

  supports(spec: ConvSpec, height: number, width: number): boolean {
    return this.#model.supports(spec, height, width);
  }

  discard(): void {}

  apply({ spec }: ConvLayer, _input: FeatureMap, output: FeatureMap, addends: readonly FeatureMap[]): void {
    const bytes = this.scratchBytes(spec, output.height, output.width, addends.includes(output));
    this.#counter.take(bytes);
    this.#counter.give(bytes);
  }
}
