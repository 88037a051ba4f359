import { deepStrictEqual, match, notStrictEqual, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch } from "./launcher.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/resume.ts", import.meta.url));

Deno.test("resume: a run that failed and was started again gives the result of one that did not", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const run = async (name: string, restarts: number, ...args: string[]) => {
      const finished = await launch([
        ...["-n", "2", "--max-restarts", String(restarts), EXAMPLE, "--size", "32", "--iterations", "12"],
        ...["--output", join(folder, `${name}.npy`), "--checkpoints", join(folder, name), ...args],
      ]);
      return { ...finished, starts: [...finished.stdout.matchAll(/start .*$/gm)].map(String) };
    };
    const [unbroken, broken, given] = await Promise.all([
      run("unbroken", 0),
      run("broken", 1, "--fail-at", "8"),
      run("given", 0, "--fail-at", "3"),
    ]);
    deepStrictEqual([unbroken.code, broken.code, given.code], [0, 0, 1], unbroken.stderr + broken.stderr);
    deepStrictEqual(unbroken.starts, ["start 0 on 2 ranks, from iteration 0"]);
    deepStrictEqual(broken.starts, [
      "start 0 on 2 ranks, from iteration 0",
      "start 1 on 2 ranks, from iteration 5",
    ]);
    match(
      broken.stderr,
      /^deepinv-run: rank 1 failed: exit code 1: Error: failing at iteration 8, as asked$/m,
    );
    const results = await Promise.all(
      ["unbroken", "broken"].map((name) => Deno.readFile(join(folder, `${name}.npy`))),
    );
    notStrictEqual(results[0].length, 0);
    deepStrictEqual(results[0], results[1]);
    const again = await run("unbroken", 0);
    deepStrictEqual(again.starts, ["start 0 on 2 ranks, from iteration 10"]);
    deepStrictEqual(await Deno.readFile(join(folder, "unbroken.npy")), results[0]);
    strictEqual(again.code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
