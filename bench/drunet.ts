/**
 * How fast is a whole DRUNet on a 256 x 256 image? The full one (64-128-256-512 channels, 4 blocks) and the small one that
 * ships with the package (16-32-64-128, 2 blocks), random weights, beside the peers of conv3x3.ts. A peer whose first run
 * takes more than 20 s gets one timed run; one that takes more than `--limit` seconds for a run is reported so, and ends the program.
 *
 *     deno run -A --no-lock bench/drunet.ts [--size 256] [--threads 2] [--rounds 3] [--limit 300] [--network small|full] [contestants]
 */
import { parseArgs } from "node:util";
import { contest, contestants, Devices, OPTIONS } from "./support/contest.ts";
import { drunet } from "./support/layer_graph.ts";

const NETWORKS = { small: [[16, 32, 64, 128], 2], full: [[64, 128, 256, 512], 4] } as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: "string", default: "256" },
    ...OPTIONS,
    rounds: { type: "string", default: "3" },
    network: { type: "string" },
  },
});
const names = contestants(positionals);
const threads = Number(values.threads);
const size = Number(values.size);
const devices = new Devices(threads);
for (const [name, [widths, blocks]] of Object.entries(NETWORKS)) {
  if (values.network !== undefined && values.network !== name) continue;
  const title = `${name} DRUNet, ${size} x ${size}, ${threads} threads`;
  await contest(
    title,
    drunet(widths, blocks, size),
    names,
    devices,
    threads,
    Number(values.rounds),
    Number(values.limit),
  );
}
devices.close();
