import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const WORKER = fileURLToPath(new URL("./workers/algorithms.ts", import.meta.url));

for (const ranks of [2, 5]) {
  Deno.test(`every algorithm gives one process's result on ${ranks} ranks, and resumes there to the last bit`, async () => {
    const { code, stdout, stderr } = await launch(["-n", String(ranks), WORKER]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout.match(/done/g)?.length, ranks);
  });
}
