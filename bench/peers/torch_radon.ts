import { fileURLToPath } from "node:url";
import { openPython } from "./python.ts";

/** The projector of `torch_radon.py` in a Python process that answers one request a line. */

/** A running PyTorch. */
export interface TorchRadon {
  readonly version: string;
  /** Milliseconds of one projection and of one adjoint, measured there, and their results. */
  run(
    image: Float32Array<ArrayBuffer>,
    size: number,
    angles: number,
    threads: number,
  ): Promise<TorchRadonResult>;
  close(): Promise<void>;
}

/** What one run gives. */
export interface TorchRadonResult {
  readonly forward: number;
  readonly adjoint: number;
  /** (detectors, angles) */
  readonly projections: Float32Array;
  /** The adjoint of the projections, (size, size). */
  readonly image: Float32Array;
}

/** Starts Python; undefined where it or PyTorch is not installed. */
export async function openTorchRadon(): Promise<TorchRadon | undefined> {
  const program = fileURLToPath(new URL("./torch_radon.py", import.meta.url));
  const peer = await openPython("python3", [program]) ?? await openPython("/usr/bin/python3", [program]);
  if (!peer) return undefined;
  const folder = await Deno.makeTempDir();
  return {
    version: peer.version,
    async run(image, size, angles, threads) {
      const path = `${folder}/image`;
      await Deno.writeFile(path, new Uint8Array(image.buffer, image.byteOffset, image.byteLength));
      const [forward, adjoint] = (await peer.ask(`${size} ${angles} ${threads} ${path}`)).split(" ").map(
        Number,
      );
      return {
        forward,
        adjoint,
        projections: await floats(`${path}.sino`),
        image: await floats(`${path}.back`),
      };
    },
    async close() {
      await peer.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function floats(path: string): Promise<Float32Array> {
  return new Float32Array((await Deno.readFile(path)).buffer);
}
