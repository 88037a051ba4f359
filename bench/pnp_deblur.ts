/**
 * How long does the example's reconstruction take? Wall time of 20 iterations on a 512 x 512 colour picture (3 blurs,
 * small DRUNet, tiles of 256 with a halo of 64) on 1 and 2 ranks in turn, start of the processes included.
 *
 *     deno run -A bench/pnp_deblur.ts [--rounds 3] [--device cpu]
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, device: { type: "string", default: "cpu" } },
});
const launcher = fileURLToPath(new URL("../launch/deepinv_run.ts", import.meta.url));
const example = fileURLToPath(new URL("../examples/pnp_deblur.ts", import.meta.url));
const output = await Deno.makeTempDir();
const seconds = new Map<number, number[]>([[1, []], [2, []]]);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [ranks, times] of seconds) times.push(await reconstruct(ranks));
}
await Deno.remove(output, { recursive: true });
for (const [ranks, times] of seconds) {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  console.log(
    `${ranks} rank(s) on ${values.device}: median ${median.toFixed(1)} s, smallest ${
      sorted[0].toFixed(1)
    } s of ${sorted.length}`,
  );
}

/** Wall time in seconds. */
async function reconstruct(ranks: number): Promise<number> {
  const begin = performance.now();
  const tiles = ["--size", "512", "--patch-size", "256", "--overlap", "64", "--output", output];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", launcher, "-n", String(ranks), "--device", values.device, example, ...tiles],
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return (performance.now() - begin) / 1000;
}
