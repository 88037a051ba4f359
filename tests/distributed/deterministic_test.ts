import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const WORKER = fileURLToPath(new URL("./workers/deterministic.ts", import.meta.url));

/** What every rank printed, without its prefix. */
async function digests(ranks: number, device: string): Promise<string[][]> {
  const { code, stdout, stderr } = await launch(["-n", `${ranks}`, WORKER, device]);
  assert.equal(code, 0, stdout + stderr);
  return Array.from(
    { length: ranks },
    (_, rank) =>
      stdout.split("\n").filter((line) => line.startsWith(`[${rank}] `)).map((line) => line.slice(4)),
  );
}

for (const device of ["cpu", "gpu"]) {
  Deno.test({
    name: `deterministic: sums over operators have the same bits for every number of ranks [${device}]`,
    ignore: device === "gpu" && Deno.env.get("DEEPINV_SKIP_GPU") === "1",
    fn: async () => {
      const [alone] = await digests(1, device);
      assert.equal(alone.length, 11);
      for (const ranks of device === "cpu" ? [2, 3, 4, 5, 6, 7, 8] : [3]) {
        for (const lines of await digests(ranks, device)) assert.deepEqual(lines, alone, `${ranks} ranks`);
      }
    },
  });
}
