import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const WORKER = fileURLToPath(new URL("./workers/shared_tensor.ts", import.meta.url));

for (const [ranks, transport] of [[1, "auto"], [2, "shm"], [3, "tcp"]] as const) {
  Deno.test(`shared tensors are reduced in place on ${ranks} ranks [${transport}]`, async () => {
    const { code, stdout, stderr } = await launch(["-n", `${ranks}`, WORKER, "cpu"], {
      env: { DEEPINV_TRANSPORT: transport },
    });
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout.match(/done/g)?.length, ranks);
  });
}
