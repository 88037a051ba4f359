import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const WORKER = fileURLToPath(new URL("./workers/bad_input.ts", import.meta.url));

for (const ranks of [1, 2, 3]) {
  Deno.test(`bad input of distribute and its objects is a clear error on all of ${ranks} ranks`, async () => {
    const { code, stdout, stderr } = await launch(["-n", String(ranks), WORKER]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout.match(/done/g)?.length, ranks, stdout + stderr);
  });
}
