import type { Arena } from "./arena.ts";
import { KernelCache } from "./wasm/kernels.ts";

const caches: WeakMap<Arena, KernelCache> = new WeakMap();

/** The generated kernels of an arena: one cache, so that no kernel is compiled or handed to threads twice. */
export function kernelsOf(arena: Arena): KernelCache {
  let cache = caches.get(arena);
  if (cache === undefined) caches.set(arena, cache = new KernelCache(arena.memory));
  return cache;
}
