import { deepStrictEqual, match, notStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/checkpoint.ts", import.meta.url));

Deno.test("a run that is killed and started again gives the result of one that is not, to the last bit", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const run = async (name: string, restarts: number, ...args: string[]) => {
      const finished = await launch([
        ...["-n", "2", "--max-restarts", String(restarts), EXAMPLE, "--size", "32", "--iterations", "12"],
        ...["--output", join(folder, name), "--checkpoints", join(folder, name, "states"), ...args],
      ]);
      return { ...finished, starts: [...finished.stdout.matchAll(/start .*$/gm)].map(String) };
    };
    const [unbroken, broken, given] = await Promise.all([
      run("unbroken", 0),
      run("broken", 1, "--fail-at", "8", "--check"),
      run("given", 0, "--fail-at", "3"),
    ]);
    deepStrictEqual([unbroken.code, broken.code], [0, 0], unbroken.stderr + broken.stderr);
    notStrictEqual(given.code, 0);
    deepStrictEqual(unbroken.starts, ["start 0 on 2 ranks, from iteration 0"]);
    deepStrictEqual(broken.starts, [
      "start 0 on 2 ranks, from iteration 0",
      "start 1 on 2 ranks, from iteration 5",
    ]);
    match(broken.stderr, /rank 1 failed: signal SIGKILL/);
    match(broken.stdout, /identical to a run without a stop/);
    match(broken.stdout, /12\/12 {2}residual .* PSNR .* dB/);
    match(broken.stdout, /communication .* s/);
    const result = (name: string) => Deno.readFile(join(folder, name, "checkpoint.npy"));
    const results = await Promise.all(["unbroken", "broken"].map(result));
    notStrictEqual(results[0].length, 0);
    deepStrictEqual(results[0], results[1]);
    match(await Deno.readTextFile(join(folder, "broken", "checkpoint.svg")), /^<svg/);
    const again = await run("unbroken", 0);
    deepStrictEqual(again.starts, ["start 0 on 2 ranks, from iteration 10"]);
    deepStrictEqual(await result("unbroken"), results[0]);
    strictEqual(again.code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
