import { DeviceError } from "../errors.ts";
import type { MemoryBudget, Trimmable } from "./memory_budget.ts";

let created = 0;

/** GPU memory that a shader can bind: a storage buffer or a texture. */
export class GpuResource {
  /** Unique in this process; identifies the resource in the cache of bind groups. */
  readonly id: number = created++;
  /** The batch of commands that last used it, as the command queue counts them. */
  lastBatch = -1;

  constructor(
    /** Counted against the budget. */
    readonly bytes: number,
    /** What a bind group takes. */
    readonly binding: GPUBindingResource,
    readonly memory: GPUBuffer | GPUTexture,
  ) {}
}

/**
 * Released resources by kind, for reuse. The caller names the kind (size class, texture size); equal kinds are
 * interchangeable. A resource may be released while queued commands use it, because the queue runs in order.
 */
export class ResourcePool implements Trimmable {
  readonly #idle = new Map<string, GpuResource[]>();
  readonly #all = new Set<GpuResource>();
  readonly #budget: MemoryBudget;
  readonly #beforeDestroy: () => void;
  #closed = false;
  /** Shelves what its keepers can do without, when memory gets short. */
  reclaim: (() => void) | undefined;

  /** @param beforeDestroy called once before resources are destroyed: submits the commands that still name them */
  constructor(budget: MemoryBudget, beforeDestroy: () => void) {
    this.#budget = budget;
    this.#beforeDestroy = beforeDestroy;
    budget.register(this);
  }

  /**
   * A resource of the given kind, pooled or made by `create`.
   *
   * @throws {OutOfMemoryError} when a new one does not fit into the budget
   * @throws {DeviceError} after `close`
   */
  acquire(kind: string, bytes: number, create: () => GpuResource): GpuResource {
    if (this.#closed) {
      throw new DeviceError(`Cannot allocate: ${this.#budget.deviceName} must be open, got a closed device`);
    }
    const pooled = this.#idle.get(kind)?.pop();
    if (pooled) {
      this.#budget.reuse(pooled.bytes);
      return pooled;
    }
    this.#budget.claim(bytes);
    try {
      const resource = create();
      this.#all.add(resource);
      return resource;
    } catch (error) {
      this.#budget.free(bytes);
      throw error;
    }
  }

  /** Keeps a resource for reuse. */
  release(kind: string, resource: GpuResource): void {
    this.#budget.retire(resource.bytes);
    this.shelve(kind, resource);
  }

  /** Counts a live resource as pooled; its owner keeps it, and can do without it: see {@link ResourcePool.reclaim}. */
  keep(resource: GpuResource): void {
    this.#budget.retire(resource.bytes);
  }

  /** Counts a resource that was kept as live again. */
  reuse(resource: GpuResource): void {
    this.#budget.reuse(resource.bytes);
  }

  /** Takes a resource that was kept, for reuse by anybody. */
  shelve(kind: string, resource: GpuResource): void {
    const idle = this.#idle.get(kind);
    if (idle) idle.push(resource);
    else this.#idle.set(kind, [resource]);
  }

  /** Destroys a live resource at once, instead of pooling it. */
  discard(resource: GpuResource): void {
    this.#beforeDestroy();
    this.#budget.free(resource.bytes);
    this.#destroy(resource);
  }

  trim(bytes: number): void {
    this.reclaim?.();
    let freed = 0;
    for (const [kind, idle] of this.#idle) {
      while (freed < bytes && idle.length > 0) {
        if (freed === 0) this.#beforeDestroy();
        const resource = idle.pop()!;
        freed += resource.bytes;
        this.#budget.freePooled(resource.bytes);
        this.#destroy(resource);
      }
      if (idle.length === 0) this.#idle.delete(kind);
      if (freed >= bytes) return;
    }
  }

  /** Destroys everything, live or idle. */
  close(): void {
    this.#closed = true;
    for (const resource of this.#all) resource.memory.destroy();
    this.#all.clear();
    this.#idle.clear();
  }

  #destroy(resource: GpuResource): void {
    this.#all.delete(resource);
    resource.memory.destroy();
  }
}
