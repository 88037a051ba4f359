import { convolutionChain } from "./onnx_model.ts";

/** The pinned peer. Not a dependency: Deno fetches it when this program runs. */
const PACKAGE = "npm:onnxruntime-web@1.30.0/webgpu";

interface OnnxRuntime {
  env: { wasm: { numThreads: number }; logLevel: string };
  Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
  InferenceSession: { create(model: Uint8Array, options: unknown): Promise<Session> };
}

interface Session {
  run(feeds: Record<string, unknown>): Promise<{ y: { data: Float32Array } }>;
  release(): Promise<void>;
}

/**
 * A chain of 3x3 convolutions in onnxruntime-web, from planes to planes.
 *
 * @param provider `"wasm"` runs on one thread
 */
export async function openChain(
  provider: "wasm" | "webgpu",
  channels: number,
  size: number,
  weights: Float32Array,
  layers: number,
): Promise<{ run(x: Float32Array): Promise<Float32Array>; close(): Promise<void> }> {
  const ort: OnnxRuntime = await import(PACKAGE);
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(
    convolutionChain(channels, size, size, weights, layers),
    { executionProviders: [provider] },
  );
  return {
    run: async (x) =>
      (await session.run({ x: new ort.Tensor("float32", x, [1, channels, size, size]) })).y.data,
    close: () => session.release(),
  };
}
