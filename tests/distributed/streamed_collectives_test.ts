import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const WORKER = fileURLToPath(new URL("./workers/streamed.ts", import.meta.url));
const skipGpu = Deno.env.get("DEEPINV_SKIP_GPU") === "1";

async function run(ranks: number, transport: string, devices: string, mode: string) {
  return await launch(["-n", `${ranks}`, WORKER, devices, mode, transport]);
}

for (
  const [devices, ranks, transport] of [
    ["cpu", 1, "auto"],
    ["cpu", 2, "shm"],
    ["gpu", 2, "shm"],
    ["mixed", 3, "shm"],
    ["cpu", 3, "tcp"],
    ["gpu", 2, "tcp"],
    ["cpu", 3, "hosts"],
  ] as const
) {
  Deno.test({
    name:
      `long tensors are exchanged piece by piece, with the same bits, on ${ranks} ranks [${devices}, ${transport}]`,
    ignore: devices !== "cpu" && skipGpu,
    fn: async () => {
      const { code, stdout, stderr } = await run(ranks, transport, devices, "compare");
      assert.equal(code, 0, stdout + stderr);
      assert.equal(stdout.match(/done/g)?.length, ranks);
    },
  });
}

for (const [mode, finishers] of [["mismatch", 2], ["timeout", 1], ["fault", 2], ["death", 1]] as const) {
  for (const transport of ["shm", "tcp"]) {
    Deno.test(`long tensors: a ${mode} is noticed by its ranks [${transport}]`, async () => {
      const { stdout, stderr } = await run(2, transport, "cpu", mode);
      assert.ok((stdout.match(/done/g)?.length ?? 0) >= finishers, stdout + stderr);
      assert.doesNotMatch(stderr, /AssertionError/);
    });
  }
}
