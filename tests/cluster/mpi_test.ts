/** The same worker under the real launchers of Open MPI and MPICH. */

import assert from "node:assert/strict";
import { ensureCommands } from "./packages.ts";
import { assertComplete, readReports, WORKER } from "./reports.ts";

const LAUNCHERS = [
  {
    command: "mpirun.openmpi",
    packages: ["openmpi-bin"],
    args: ["--allow-run-as-root", "--oversubscribe", "--mca", "plm_rsh_agent", "false"],
  },
  { command: "mpiexec.hydra", packages: ["mpich"], args: [] },
];

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function launch(command: string, args: readonly string[]): Promise<Result> {
  const process = new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => process.kill("SIGTERM"), 40_000);
  const { code, stdout, stderr } = await process.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

for (const { command, packages, args } of LAUNCHERS) {
  Deno.test({
    name: `under ${command}`,
    ignore: Deno.env.get("DEEPINV_SKIP_MPI") === "1",
    async fn(t) {
      await ensureCommands([command], packages, "DEEPINV_SKIP_MPI");

      await t.step("three ranks", async () => {
        const { code, stdout, stderr } = await launch(command, [...args, "-n", "3", ...WORKER]);
        assert.equal(code, 0, stderr);
        const reports = readReports(stdout);
        assertComplete(reports, 3);
        assert.deepEqual(reports.map((r) => [r.localRank, r.localWorldSize]), [[0, 3], [1, 3], [2, 3]]);
      });

      await t.step("two jobs at once, one of them started through a shell", async () => {
        const shell = ["bash", "-c", '"$@"; exit $?', "bash", ...WORKER];
        const jobs = [WORKER, shell].map((worker) => launch(command, [...args, "-n", "2", ...worker]));
        for (const { code, stdout, stderr } of await Promise.all(jobs)) {
          assert.equal(code, 0, stderr);
          assertComplete(readReports(stdout), 2);
        }
      });

      await t.step("a rank that fails ends the job", async () => {
        const { code, stderr } = await launch(command, [...args, "-n", "3", ...WORKER, "fail", "1"]);
        assert.notEqual(code, 0);
        // mpirun ends the others at the first non-zero exit, which may be a survivor's: then its error names the rank.
        assert.match(stderr, /on purpose|RankFailedError: .*rank 1 /);
      });
    },
  });
}
