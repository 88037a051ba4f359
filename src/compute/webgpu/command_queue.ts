import { DeviceError } from "../errors.ts";
import type { Dispatch } from "./dispatch.ts";
import type { ErrorMonitor } from "./error_monitor.ts";
import { PARAMS_BYTES, PipelineCache } from "./pipeline_cache.ts";
import type { GpuResource } from "./resource_pool.ts";

/** Dispatches per submission: few enough that the GPU starts early, many enough that submitting costs little. */
const BATCH_DISPATCHES = 32;

/** Bytes written since the last submission after which one is forced, so that wgpu frees its staging memory. */
const MAX_UNSUBMITTED_BYTES = 64 * 2 ** 20;

/**
 * Records dispatches into one compute pass and submits them in batches. Their parameters are collected and uploaded in
 * one write before the batch; the queue is ordered, so every batch uses the same uniform buffer.
 */
export class CommandQueue {
  readonly pipelines: PipelineCache;
  readonly #gpu: GPUDevice;
  readonly #paramsBuffer: GPUBuffer;
  readonly #paramsStride: number;
  readonly #paramsWords: Uint32Array<ArrayBuffer>;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #pipeline: GPUComputePipeline | undefined;
  #dispatches = 0;
  #written = 0;
  #batch = 0;

  constructor(gpu: GPUDevice, errors: ErrorMonitor) {
    this.#gpu = gpu;
    this.#paramsStride = Math.max(PARAMS_BYTES, gpu.limits.minUniformBufferOffsetAlignment);
    const size = BATCH_DISPATCHES * this.#paramsStride;
    this.#paramsBuffer = gpu.createBuffer({ size, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    this.#paramsWords = new Uint32Array(size / 4);
    this.pipelines = new PipelineCache(gpu, errors, this.#paramsBuffer);
  }

  /** Queues a dispatch. */
  dispatch({ program, resources, params, workgroups }: Dispatch): void {
    if (params.words.length * 4 > PARAMS_BYTES) {
      throw new DeviceError(
        `Cannot run kernel "${program.key}": ${params.words.length} parameters are too many`,
      );
    }
    if (workgroups.includes(0)) return;
    const { pipeline, layout } = this.pipelines.compile(program);
    const bindGroup = this.pipelines.bind(layout, resources);
    const offset = this.#dispatches * this.#paramsStride;
    this.#paramsWords.set(params.words, offset / 4);
    this.#pass ??= this.encoder().beginComputePass();
    if (pipeline !== this.#pipeline) this.#pass.setPipeline(pipeline);
    this.#pipeline = pipeline;
    this.#pass.setBindGroup(0, bindGroup, [offset]);
    this.#pass.dispatchWorkgroups(...workgroups);
    for (const resource of resources) resource.lastBatch = this.#batch;
    if (++this.#dispatches === BATCH_DISPATCHES) this.submit();
  }

  /** Writes `data` at `byteOffset` of a buffer, after everything queued on it so far. */
  writeBuffer(target: GpuResource, byteOffset: number, data: Float32Array | Int32Array | Uint16Array): void {
    if (target.lastBatch === this.#batch) this.submit();
    this.#gpu.queue.writeBuffer(target.memory as GPUBuffer, byteOffset, data as BufferSource);
    this.#written += data.byteLength;
    if (this.#written > MAX_UNSUBMITTED_BYTES) this.submit();
  }

  /** The encoder of the current batch, outside any pass: for copies. */
  encoder(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = undefined;
    this.#pipeline = undefined;
    return this.#encoder ??= this.#gpu.createCommandEncoder();
  }

  /** Submits what is recorded, and lets pending writes take effect. */
  submit(): void {
    if (!this.#encoder && this.#written === 0) return;
    const commands = this.#encoder ? [this.encoder().finish()] : [];
    if (this.#dispatches > 0) {
      const words = this.#dispatches * this.#paramsStride / 4;
      this.#gpu.queue.writeBuffer(this.#paramsBuffer, 0, this.#paramsWords, 0, words);
    }
    this.#gpu.queue.submit(commands);
    this.#encoder = undefined;
    this.#dispatches = 0;
    this.#written = 0;
    this.#batch++;
  }

  /** Frees the parameters' buffer. */
  close(): void {
    this.#pass?.end();
    this.#pass = undefined;
    this.#encoder = undefined;
    this.#paramsBuffer.destroy();
  }
}
