/** Jobs on a real SLURM cluster of three virtual nodes with four CPUs and two GPUs each. */

import assert from "node:assert/strict";
import { assertComplete, readReports, WORKER } from "../cluster/reports.ts";
import { ensureCommands } from "../cluster/packages.ts";
import { SlurmCluster } from "./cluster.ts";

const COMMANDS = ["srun", "sbatch", "scancel", "slurmctld", "slurmd", "munged", "unshare", "mount"];
const PACKAGES = ["slurm-wlm", "munge", "util-linux", "mount"];
const SCRIPTS = new URL("../../examples/slurm/", import.meta.url).pathname;
const SCRIPT = WORKER.at(-1)!;
const KEY = "5a".repeat(32);

type Spread = [rank: number, node: string, localRank: number, localWorldSize: number];

Deno.test({
  name: "on a SLURM cluster",
  ignore: Deno.env.get("DEEPINV_SKIP_SLURM") === "1",
  async fn(t) {
    await ensureCommands(COMMANDS, PACKAGES, "DEEPINV_SKIP_SLURM");
    await using cluster = await SlurmCluster.start(["n1", "n2", "n3"], 4, 2);

    /** Runs the worker under srun and compares how its ranks are spread. */
    const layout = (options: string[], expected: Spread[]): () => Promise<void> => async () => {
      const reports = readReports(await cluster.spawn("srun", [...options, ...WORKER]).output());
      assertComplete(reports, expected.length);
      const spread = reports.map((r): Spread => [r.rank, r.node, r.localRank, r.localWorldSize]);
      assert.deepEqual(spread, expected);
    };

    await t.step(
      "on two nodes: srun -N2 -n4",
      layout(["-N2", "-w", "n1,n2", "-n4"], [[0, "n1", 0, 3], [1, "n1", 1, 3], [2, "n1", 2, 3], [
        3,
        "n2",
        0,
        1,
      ]]),
    );
    await t.step(
      "uneven: srun -N3 -n5",
      layout(["-N3", "-n5"], [
        [0, "n1", 0, 3],
        [1, "n1", 1, 3],
        [2, "n1", 2, 3],
        [3, "n2", 0, 1],
        [4, "n3", 0, 1],
      ]),
    );
    await t.step(
      "cyclic: srun -N3 -n5 -m cyclic",
      layout(["-N3", "-n5", "-m", "cyclic"], [
        [0, "n1", 0, 3],
        [1, "n2", 0, 1],
        [2, "n3", 0, 1],
        [3, "n1", 1, 3],
        [4, "n1", 2, 3],
      ]),
    );
    await t.step("one task", layout(["-w", "n1", "-n1"], [[0, "n1", 0, 1]]));
    await t.step(
      "SLURM's PMI tells less than SLURM",
      layout(["-w", "n1,n2", "-n2", "--mpi=pmi2"], [[0, "n1", 0, 1], [1, "n2", 0, 1]]),
    );

    await t.step("each rank sees a GPU of its own: srun --gpus-per-task=1", async () => {
      const run = cluster.spawn("srun", [
        "-w",
        "n1,n2",
        "--ntasks-per-node=2",
        "--gpus-per-task=1",
        ...WORKER,
      ]);
      const reports = readReports(await run.output());
      assertComplete(reports, 4);
      assert.deepEqual(reports.map(({ node, gpu }) => `${node}:${gpu}`).toSorted(), [
        "n1:0",
        "n1:1",
        "n2:0",
        "n2:1",
      ]);
    });

    await t.step("two steps of one job at once", async () => {
      const step = `srun --exact -N2 -n2 ${WORKER.join(" ")}`;
      const started = `${step} > $0/first & first=$!; ${step} > $0/second & second=$!`;
      const both = `${started}; wait $first && wait $second && cat $0/first $0/second`;
      const run = cluster.spawn("salloc", ["-N2", "--ntasks-per-node=2", "bash", "-c", both, cluster.folder]);
      const lines = (await run.output()).trim().split("\n");
      for (const step of [lines.slice(0, 2), lines.slice(2)]) assertComplete(readReports(step.join("\n")), 2);
      assert.doesNotMatch(run.stderr, /temporarily disabled/, "the second step must not wait for the first");
    });

    await t.step("a job array with the shipped script for CPUs", async () => {
      const output = `${cluster.folder}/array-%a.log`;
      const options = ["--array=0-2", "-n2", "-c1", `--output=${output}`];
      await cluster.batch([...options, `${SCRIPTS}cpu.sbatch`, SCRIPT]);
      const jobs = new Set<string | undefined>();
      for (const index of [0, 1, 2]) {
        const reports = readReports(await Deno.readTextFile(output.replace("%a", String(index))));
        assertComplete(reports, 2);
        jobs.add(reports[0].job);
      }
      assert.equal(jobs.size, 3);
    });

    await t.step("the shipped script for GPUs", async () => {
      const output = `${cluster.folder}/gpu.log`;
      const options = ["-n2", "-c1", `--output=${output}`, `${SCRIPTS}gpu.sbatch`];
      await cluster.batch([...options, SCRIPT]);
      const reports = readReports(await Deno.readTextFile(output));
      assertComplete(reports, 2);
      assert.deepEqual(reports.map(({ gpu }) => gpu).toSorted(), ["0", "1"]);
    });

    await t.step("the shipped script for several nodes", async () => {
      const output = `${cluster.folder}/nodes.log`;
      const options = ["-N3", "--ntasks-per-node=1", "-c1", `--output=${output}`];
      const env = { DEEPINV_JOB_KEY: KEY };
      await cluster.batch([...options, `${SCRIPTS}multi_node.sbatch`, SCRIPT], env);
      const reports = readReports(await Deno.readTextFile(output));
      assertComplete(reports, 3);
      assert.deepEqual(reports.map(({ node }) => node), ["n1", "n2", "n3"]);
    });

    await t.step("a batch script without srun is one process with a hint", async () => {
      const output = `${cluster.folder}/batch.log`;
      const options = ["-N2", "-n3", `--output=${output}`, `--wrap=${WORKER.join(" ")}`];
      await cluster.batch(options);
      const text = await Deno.readTextFile(output);
      assertComplete(readReports(text), 1);
      assert.equal(text.match(/start the script with srun/g)?.length, 1);
    });

    await t.step("a rank that fails is named by the others, and srun fails", async () => {
      const run = cluster.spawn("srun", ["-N3", "-n3", "--label", ...WORKER, "fail", "1"]);
      const { code, stderr } = await run.result();
      assert.notEqual(code, 0);
      assert.match(stderr, /^1: .*on purpose/m);
      for (const survivor of [0, 2]) {
        assert.match(stderr, new RegExp(`^${survivor}: .*RankFailedError.*rank 1`, "m"));
      }
      assert.deepEqual(await cluster.processes("worker.ts"), []);
    });

    await t.step("scancel leaves no process behind", async () => {
      const run = cluster.spawn("srun", ["-N3", "-n5", "--job-name=lingers", ...WORKER, "linger"]);
      await run.until((stdout) => readReports(stdout.replace(/[^\n]*$/, "")).length === 5);
      assert.equal((await cluster.processes("worker.ts")).length, 5);
      await cluster.spawn("scancel", ["--name=lingers"]).output();
      const { code } = await run.result();
      assert.notEqual(code, 0);
      const deadline = performance.now() + 10_000;
      while ((await cluster.processes("worker.ts")).length > 0 && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.deepEqual(await cluster.processes("worker.ts"), []);
    });
  },
});
