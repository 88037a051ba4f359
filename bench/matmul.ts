/**
 * How fast is a matrix product on the CPU? (m, k) times (k, n), ours, whose sums are float64, beside NumPy's float32.
 *
 *     deno run -A bench/matmul.ts [--threads 2] [--rounds 15] [--sizes 512x512x512,20000x64x64]
 *
 * Contestants take turns; medians count. The ratio is NumPy's time over ours.
 */
import { parseArgs } from "node:util";
import { CpuDevice } from "../src/compute/cpu/device.ts";
import { Tensor } from "../src/tensor/mod.ts";
import { openNumpy } from "./peers/numpy_matmul.ts";
import { median } from "./support/median.ts";

const { values } = parseArgs({
  options: {
    threads: { type: "string", default: "2" },
    rounds: { type: "string", default: "15" },
    sizes: {
      type: "string",
      default: "64x64x64,512x512x512,1024x1024x1024,20000x64x64,1x4096x4096,4096x4096x1",
    },
  },
});
const threads = Number(values.threads), rounds = Number(values.rounds);

const device = new CpuDevice({ threads });
const numpy = await openNumpy(threads);
console.log(`${device.name}, ${threads} threads; numpy: ${numpy?.version ?? "not installed"}`);
for (const size of values.sizes.split(",")) {
  const [m, k, n] = size.split("x").map(Number);
  using a = Tensor.randn([m, k], { seed: 1, device });
  using b = Tensor.randn([k, n], { seed: 2, device });
  const ours: number[] = [], theirs: number[] = [];
  for (let round = -2; round < rounds; round++) {
    const start = performance.now();
    a.matmul(b).dispose();
    const ms = performance.now() - start;
    const other = await numpy?.multiply(m, k, n);
    if (round < 0) continue;
    ours.push(ms);
    if (other !== undefined) theirs.push(other);
  }
  const [own, other] = [median(ours), median(theirs)];
  const peer = numpy ? `, numpy ${other.toFixed(3)} ms, ratio ${(other / own).toFixed(2)}` : "";
  console.log(`${size}: ${own.toFixed(3)} ms, ${(2 * m * k * n / own / 1e6).toFixed(1)} GFLOP/s${peer}`);
}
await numpy?.close();
device.close();
