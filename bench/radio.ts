/**
 * How fast is radio interferometry? Milliseconds of `RadioInterferometry.A` and `A_adjoint`, after the first call, which
 * sorts the visibilities, and the relative error against the Fourier sum in float64 at 100 visibilities.
 *
 *     deno run -A --no-lock bench/radio.ts [--rounds 5] [--devices cpu,gpu]
 *
 * The smallest time counts.
 */
import { parseArgs } from "node:util";
import { RadioInterferometry } from "../src/physics/mod.ts";
import { type DeviceChoice, openDevice, setDefaultDevice, Tensor } from "../src/tensor/mod.ts";

const TASKS = [[256, 20_000], [512, 100_000], [512, 1_000_000]] as const;
const CHECKED = 100;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, devices: { type: "string", default: "cpu,gpu" } },
});

for (const choice of values.devices.split(",") as DeviceChoice[]) {
  const device = await openDevice(choice);
  setDefaultDevice(device);
  console.log(`${device.name}: ms of A / A_adjoint, smallest of ${values.rounds}`);
  for (const [side, count] of TASKS) {
    using image = Tensor.randn([1, 1, side, side], { seed: 1 });
    using normal = Tensor.randn([2, count], { seed: 2 });
    using samplesLoc = normal.clamp(-Math.PI, Math.PI);
    const physics = new RadioInterferometry({ imgSize: [side, side], samplesLoc });
    const best = [Infinity, Infinity];
    let first = 0, error = 0;
    for (let round = -1; round < Number(values.rounds); round++) {
      const start = performance.now();
      using y = await physics.A(image);
      await device.synchronize();
      const middle = performance.now();
      using _ = await physics.A_adjoint(y);
      await device.synchronize();
      const times = [middle - start, performance.now() - middle];
      if (round >= 0) times.forEach((time, k) => best[k] = Math.min(best[k], time));
      else {
        first = times[0];
        error = errorOf(await y.data(), await image.data(), await samplesLoc.data(), side);
      }
    }
    console.log(
      `${side} x ${side}, ${count} visibilities: ${best.map((ms) => ms.toFixed(1)).join(" / ")}, ` +
        `first call ${first.toFixed(0)}, error ${error.toExponential(1)}`,
    );
  }
  device.close();
}

/** ||y - sum|| / ||sum|| over the first visibilities. */
function errorOf(y: Float32Array, x: Float32Array, w: Float32Array, side: number): number {
  const count = w.length / 2;
  let error = 0, size = 0;
  for (let k = 0; k < CHECKED; k++) {
    let re = 0, im = 0;
    for (let n = 0; n < x.length; n++) {
      const row = Math.floor(n / side) - Math.floor(side / 2), column = n % side - Math.floor(side / 2);
      const angle = w[k] * row + w[count + k] * column;
      re += x[n] * Math.cos(angle) / (2 * side);
      im -= x[n] * Math.sin(angle) / (2 * side);
    }
    error += (y[k] - re) ** 2 + (y[count + k] - im) ** 2;
    size += re * re + im * im;
  }
  return Math.sqrt(error / size);
}
