import { GEOMETRY, type LayerGraph, type Runner } from "../support/layer_graph.ts";
import { openPython } from "./python.ts";

/** A graph in PyTorch: its own clock, without the exchange of data. */
export interface TorchRunner extends Runner {
  readonly version: string;
  /** Milliseconds of the last run. */
  elapsed: number;
}

/** Undefined where no Python with torch is found. */
export async function torchRunner(graph: LayerGraph, threads: number): Promise<TorchRunner | undefined> {
  const folder = await Deno.makeTempDir();
  const { channels, size, layers } = graph;
  await Deno.writeTextFile(
    `${folder}/graph.json`,
    JSON.stringify({ channels, size, layers, geometry: GEOMETRY }),
  );
  for (const [name, data] of graph.weights) await Deno.writeFile(`${folder}/${name}`, bytesOf(data));
  const program = new URL("./torch_layers.py", import.meta.url).pathname;
  const python = await openPython(Deno.env.get("PYTHON") ?? "/usr/bin/python3", [
    program,
    folder,
    String(threads),
  ]);
  const remove = () => Deno.remove(folder, { recursive: true });
  if (!python) {
    await remove();
    return undefined;
  }
  const runner: TorchRunner = {
    version: python.version,
    elapsed: NaN,
    async run(x) {
      const [from, to] = [`${folder}/x.bin`, `${folder}/y.bin`];
      await Deno.writeFile(from, bytesOf(x));
      runner.elapsed = Number(await python.ask(`${from} ${to}`));
      return new Float32Array((await Deno.readFile(to)).buffer);
    },
    async close() {
      await python.close();
      await remove();
    },
  };
  return runner;
}

function bytesOf(data: Float32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
