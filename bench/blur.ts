/**
 * Which way to blur is the fastest? Milliseconds of `Blur.A` and `Blur.A_adjoint` by one pass over the filter, by one pass
 * per axis (for filters of rank one) and by Fourier transforms, beside what `Blur` chooses by itself.
 *
 *     deno run -A --no-lock bench/blur.ts [--rounds 5] [--devices cpu,gpu]
 *
 * Ways take turns; the smallest time counts. The last columns are the choice, and its time over the fastest way's. The
 * ways' results are compared.
 */
import { parseArgs } from "node:util";
import { fastestWay } from "../src/physics/blur_cost.ts";
import { Blur, type BlurPadding, gaussianBlur } from "../src/physics/mod.ts";
import { type Device, type DeviceChoice, openDevice, setDefaultDevice, Tensor } from "../src/tensor/mod.ts";

interface Task {
  readonly shape: readonly number[];
  readonly taps: readonly number[];
  readonly padding: BlurPadding;
}

const IMAGES: Task[] = [
  { shape: [1, 3, 512, 512], taps: [3, 3], padding: "reflect" },
  { shape: [1, 3, 512, 512], taps: [9, 9], padding: "reflect" },
  { shape: [1, 3, 512, 512], taps: [15, 15], padding: "circular" },
  { shape: [1, 3, 512, 512], taps: [31, 31], padding: "reflect" },
  { shape: [1, 3, 512, 512], taps: [31, 31], padding: "circular" },
  { shape: [1, 3, 512, 512], taps: [63, 63], padding: "constant" },
  { shape: [1, 1, 128, 128], taps: [15, 15], padding: "circular" },
  { shape: [4, 1, 256, 256], taps: [25, 25], padding: "valid" },
  { shape: [1, 1, 1021, 1021], taps: [41, 41], padding: "circular" },
];

const VOLUMES: Task[] = [
  { shape: [1, 1, 64, 64, 64], taps: [5, 5, 5], padding: "circular" },
  { shape: [1, 1, 64, 64, 64], taps: [9, 9, 9], padding: "circular" },
  { shape: [1, 1, 32, 128, 128], taps: [15, 15, 15], padding: "reflect" },
];

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, devices: { type: "string", default: "cpu,gpu" } },
});
const rounds = Number(values.rounds);

for (const choice of values.devices.split(",") as DeviceChoice[]) {
  const device = await openDevice(choice);
  setDefaultDevice(device);
  console.log(`\n${device.name}: ms of A / A_adjoint, smallest of ${rounds}`);
  console.log(
    "images".padEnd(22),
    "filter".padEnd(24),
    "direct".padEnd(16),
    "per axis".padEnd(16),
    "Fourier".padEnd(16),
  );
  for (const task of [...IMAGES, ...VOLUMES]) await compare(task, device);
  device.close();
}

async function compare(task: Task, device: Device): Promise<void> {
  for (const separable of [false, true]) {
    using filter = filterOf(task.taps, separable);
    using x = Tensor.randn(task.shape, { seed: 1 });
    const { padding } = task;
    const ways = new Map([
      [separable ? "per axis" : "direct", new Blur({ filter, padding, useFft: false })],
      ["Fourier", new Blur({ filter, padding, useFft: true })],
      ["chosen", new Blur({ filter, padding })],
    ]);
    const best = new Map<string, readonly number[]>();
    const results: Tensor[] = [];
    for (let round = -1; round < rounds; round++) {
      for (const [name, blur] of ways) {
        const { y, times } = await timed(blur, x, device);
        if (round < 0) results.push(y);
        else {
          y.dispose();
          best.set(name, times.map((time, k) => Math.min(time, best.get(name)?.[k] ?? Infinity)));
        }
      }
    }
    await requireEqual(results);
    const text = (name: string) => (best.get(name)?.map((ms) => ms.toFixed(1)).join(" / ") ?? "").padEnd(16);
    const total = (name: string) => best.get(name)!.reduce((sum, ms) => sum + ms, 0);
    const others = [...ways.keys()].filter((name) => name !== "chosen");
    const fastest = Math.min(...others.map(total));
    const way = fastestWay({ shape: task.shape, filter: filter.shape, separable, padding }, device);
    console.log(
      task.shape.join(" x ").padEnd(22),
      `${task.taps.join(" x ")} ${padding}`.padEnd(24),
      text("direct"),
      text("per axis"),
      text("Fourier"),
      `${way.padEnd(8)}${(total("chosen") / fastest).toFixed(2)}`,
    );
  }
}

/** A Gaussian, or noise, which is not of rank one. */
function filterOf(taps: readonly number[], separable: boolean): Tensor {
  if (!separable) return Tensor.randn([1, 1, ...taps], { seed: 2 });
  using lines = gaussianBlur({ sigma: [taps[0] / 6, taps.at(-1)! / 6], psfSize: [taps[0], taps.at(-1)!] });
  if (taps.length === 2) return lines.clone();
  using plane = lines.reshape([1, 1, taps[0], 1, taps.at(-1)!]);
  using column = gaussianBlur({ sigma: taps[1] / 6, psfSize: [taps[1], 1] });
  using middle = column.reshape([1, 1, 1, taps[1], 1]);
  return plane.mul(middle);
}

async function timed(blur: Blur, x: Tensor, device: Device): Promise<{ y: Tensor; times: number[] }> {
  await device.synchronize();
  const start = performance.now();
  const y = await blur.A(x);
  await device.synchronize();
  const middle = performance.now();
  using _ = await blur.A_adjoint(y);
  await device.synchronize();
  return { y, times: [middle - start, performance.now() - middle] };
}

async function requireEqual([reference, ...others]: readonly Tensor[]): Promise<void> {
  const size = await reference.norm().item();
  for (const other of others) {
    const gap = await other.sub(reference).norm().item() / size;
    if (!(gap < 1e-5)) throw new Error(`Cannot compare: two ways differ by ${gap}`);
    other.dispose();
  }
  reference.dispose();
}
