import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const WORKER = fileURLToPath(new URL("./workers/changes.ts", import.meta.url));

for (const ranks of [1, 2, 5]) {
  Deno.test(`changed operators are seen as they are on ${ranks} ranks`, async () => {
    const { code, stdout, stderr } = await launch(["-n", String(ranks), WORKER]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout.match(/done/g)?.length, ranks, stdout + stderr);
  });
}
