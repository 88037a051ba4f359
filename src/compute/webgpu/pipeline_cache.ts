import type { Program } from "./dispatch.ts";
import type { ErrorMonitor } from "./error_monitor.ts";
import type { GpuResource } from "./resource_pool.ts";

/** Bytes of the uniform parameters that a dispatch can see. */
export const PARAMS_BYTES = 256;

const MAX_BIND_GROUPS = 4096;

/** A compiled program with the layout that its bind groups need. */
export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: Layout;
}

interface Layout {
  readonly id: string;
  readonly bindGroup: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

function layoutEntry(binding: number, letter: string): GPUBindGroupLayoutEntry {
  const visibility = GPUShaderStage.COMPUTE;
  if (letter === "r" || letter === "w") {
    return { binding, visibility, buffer: { type: letter === "r" ? "read-only-storage" : "storage" } };
  }
  const access = letter === "i" ? "read-only" : "write-only";
  return {
    binding,
    visibility,
    storageTexture: { format: "rgba32float", access, viewDimension: "2d-array" },
  };
}

/** Pipelines by program key, and bind groups by the resources that they name. */
export class PipelineCache {
  readonly #gpu: GPUDevice;
  readonly #errors: ErrorMonitor;
  readonly #params: GPUBuffer;
  readonly #compiled = new Map<string, Compiled>();
  readonly #layouts = new Map<string, Layout>();
  readonly #bindGroups = new Map<string, GPUBindGroup>();

  /** @param params the uniform buffer that every dispatch reads at its own offset */
  constructor(gpu: GPUDevice, errors: ErrorMonitor, params: GPUBuffer) {
    this.#gpu = gpu;
    this.#errors = errors;
    this.#params = params;
  }

  /** How many pipelines were built. */
  get size(): number {
    return this.#compiled.size;
  }

  /** The program's pipeline. A compile error surfaces as DeviceError, with the WGSL log, at the next check. */
  compile(program: Program): Compiled {
    let compiled = this.#compiled.get(program.key);
    if (!compiled) {
      const layout = this.#layout(program.bindings);
      const pipeline = this.#errors.watch(`kernel "${program.key}"`, () => {
        const module = this.#gpu.createShaderModule({ code: program.source() });
        return this.#gpu.createComputePipeline({
          layout: layout.pipeline,
          compute: { module, entryPoint: "main" },
        });
      });
      compiled = { pipeline, layout };
      this.#compiled.set(program.key, compiled);
    }
    return compiled;
  }

  /** The bind group of these resources, in binding order. */
  bind(layout: Layout, resources: readonly GpuResource[]): GPUBindGroup {
    let key = layout.id;
    for (const resource of resources) key += ` ${resource.id}`;
    let bindGroup = this.#bindGroups.get(key);
    if (!bindGroup) {
      if (this.#bindGroups.size >= MAX_BIND_GROUPS) this.#bindGroups.clear();
      const entries: GPUBindGroupEntry[] = resources.map((resource, binding) => ({
        binding,
        resource: resource.binding,
      }));
      entries.push({ binding: resources.length, resource: { buffer: this.#params, size: PARAMS_BYTES } });
      bindGroup = this.#gpu.createBindGroup({ layout: layout.bindGroup, entries });
      this.#bindGroups.set(key, bindGroup);
    }
    return bindGroup;
  }

  /** Forgets all bind groups; they would keep destroyed resources' bookkeeping alive. */
  forgetBindGroups(): void {
    this.#bindGroups.clear();
  }

  #layout(bindings: string): Layout {
    let layout = this.#layouts.get(bindings);
    if (!layout) {
      const entries = [...bindings].map((letter, binding) => layoutEntry(binding, letter));
      entries.push({
        binding: entries.length,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: 0 },
      });
      const bindGroup = this.#gpu.createBindGroupLayout({ entries });
      const pipeline = this.#gpu.createPipelineLayout({ bindGroupLayouts: [bindGroup] });
      layout = { id: bindings, bindGroup, pipeline };
      this.#layouts.set(bindings, layout);
    }
    return layout;
  }
}
