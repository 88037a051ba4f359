/**
 * How fast is a parallel-beam projection and its exact adjoint? Milliseconds on both backends, beside the same projector
 * in PyTorch: rotation by grid_sample and a sum over rows, the adjoint by its gradient, as deepinv does it.
 *
 *     deno run -A bench/radon.ts [--size 512] [--angles 180] [--rounds 5]
 *
 * Contestants take turns; medians count, the smallest time stands in brackets. Ratios are a contestant's median over ours
 * on the cpu. Results are compared with PyTorch's. Our cpu backend and PyTorch run on one thread
 * and on all.
 */
import { parseArgs } from "node:util";
import { CpuDevice } from "../src/compute/cpu/device.ts";
import { Tomography } from "../src/physics/mod.ts";
import { openDevice, Tensor } from "../src/tensor/mod.ts";
import { openTorchRadon } from "./peers/torch_radon.ts";
import { median } from "./support/median.ts";
import { relativeError } from "./support/relative_error.ts";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "512" },
    angles: { type: "string", default: "180" },
    rounds: { type: "string", default: "5" },
  },
});
const [size, angles, rounds] = [values.size, values.angles, values.rounds].map(Number);

/** A contestant's milliseconds of one projection and of one adjoint. */
type Run = () => Promise<readonly [forward: number, adjoint: number]>;

const contestants = new Map<string, Run>();
const results = new Map<string, readonly [projections: Float32Array, image: Float32Array]>();
const image = Float32Array.from({ length: size * size }, () => Math.random());
const devices = [];
const cores = navigator.hardwareConcurrency;
const cpus = { "cpu": 1, [`cpu, ${cores} threads`]: cores };
for (const kind of [...Object.keys(cpus), "gpu"]) {
  try {
    const device = kind === "gpu" ? await openDevice("gpu") : new CpuDevice({ threads: cpus[kind] });
    devices.push(device);
    console.log(`${kind}: ${device.name}`);
    const scan = new Tomography({ angles, imgWidth: size, normalize: false });
    const x = Tensor.from(image, [1, 1, size, size], { device });
    const y = await scan.A(x);
    using back = await scan.A_adjoint(y);
    results.set(kind, [await y.data(), await back.data()]);
    contestants.set(kind, async () => {
      const start = performance.now();
      using _projections = await scan.A(x);
      await device.synchronize();
      const middle = performance.now();
      using _image = await scan.A_adjoint(y);
      await device.synchronize();
      return [middle - start, performance.now() - middle];
    });
  } catch (error) {
    if (kind !== "gpu") throw error;
    console.log(`gpu: ${(error as Error).message}`);
  }
}

const torch = await openTorchRadon();
console.log(torch ? `torch: ${torch.version}` : "torch: not installed, ours alone");
if (torch) {
  for (const threads of new Set([1, navigator.hardwareConcurrency])) {
    contestants.set(`torch, ${threads} thread${threads > 1 ? "s" : ""}`, async () => {
      const result = await torch.run(image, size, angles, threads);
      for (const [name, [projections, back]] of results) {
        for (const [mine, theirs] of [[projections, result.projections], [back, result.image]]) {
          const error = relativeError(mine, theirs);
          if (!(error < 1e-4)) throw new Error(`${name} differs from PyTorch by ${error}`);
        }
      }
      return [result.forward, result.adjoint];
    });
  }
}

const times = new Map([...contestants.keys()].map((name) => [name, [[], []] as [number[], number[]]]));
for (let round = -1; round < rounds; round++) {
  for (const [name, run] of contestants) {
    const measured = await run();
    if (round >= 0) measured.forEach((ms, k) => times.get(name)![k].push(ms));
  }
}
console.log(`${size} x ${size}, ${angles} angles: ms, median of ${rounds} (smallest), ratio to cpu`);
for (const [k, what] of ["forward", "adjoint"].entries()) {
  const reference = median(times.get("cpu")![k]);
  for (const [name, all] of times) {
    const middle = median(all[k]);
    console.log(
      `  ${what}  ${name.padEnd(16)} ${middle.toFixed(0).padStart(6)} (${Math.min(...all[k]).toFixed(0)})  x${
        (middle / reference).toFixed(2)
      }`,
    );
  }
}
await torch?.close();
devices.forEach((device) => device.close());
