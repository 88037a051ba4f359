import type { LayerGraph, Runner } from "../support/layer_graph.ts";
import { onnxModel } from "./onnx_model.ts";

/** The pinned peers. Not dependencies: Deno fetches them when this program runs. */
const PACKAGES = {
  node: "npm:onnxruntime-node@1.30.0",
  wasm: "npm:onnxruntime-web@1.30.0/webgpu",
  webgpu: "npm:onnxruntime-web@1.30.0/webgpu",
} as const;

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
 * A graph in onnxruntime, from planes to planes.
 *
 * @param provider `"node"`: onnxruntime-node; `"wasm"` (one thread) and `"webgpu"`: onnxruntime-web
 */
export async function onnxRunner(
  provider: keyof typeof PACKAGES,
  graph: LayerGraph,
  threads: number,
): Promise<Runner> {
  const loaded = await import(PACKAGES[provider]);
  const ort: OnnxRuntime = loaded.InferenceSession ? loaded : loaded.default;
  ort.env.logLevel = "error";
  if (provider !== "node") ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(onnxModel(graph), {
    executionProviders: [provider === "node" ? "cpu" : provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const { channels, size } = graph;
  return {
    run: async (x) =>
      (await session.run({ x: new ort.Tensor("float32", x, [1, channels, size, size]) })).y.data,
    close: () => session.release(),
  };
}
