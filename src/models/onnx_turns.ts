import type { OnnxBackend, OnnxRuntime } from "./onnx_runtime.ts";

const last: WeakMap<OnnxRuntime, Promise<unknown>> = new WeakMap();

/**
 * Does something with a runtime when all that was asked of it before is done: onnxruntime-web, which has one thread and
 * waits for the GPU in the middle of its work, ends with "memory access out of bounds" when it is called meanwhile, be it
 * for another model. onnxruntime-node takes calls at any time.
 */
export async function inTurn<T>(
  runtime: OnnxRuntime,
  backend: OnnxBackend,
  work: () => Promise<T>,
): Promise<T> {
  if (backend === "cpu") return await work();
  const turn = (last.get(runtime) ?? Promise.resolve()).then(work);
  last.set(runtime, turn.catch(() => {}));
  return await turn;
}
