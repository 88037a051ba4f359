/** Staging buffers: GPU memory is copied into them, and JavaScript reads it there. */

/** A buffer that the GPU writes and JavaScript reads. */
export function createStaging(gpu: GPUDevice, size: number): GPUBuffer {
  return gpu.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
}

/**
 * Waits for the GPU to be done with `staging`, which was mapped and awaited once before, and maps its first bytes. A
 * failure is thrown by getMappedRange.
 */
export function mapAtOnce(staging: GPUBuffer, bytes: number): ArrayBuffer {
  staging.mapAsync(GPUMapMode.READ, 0, bytes).catch(() => {});
  return staging.getMappedRange(0, bytes);
}
