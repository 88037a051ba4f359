import assert from "node:assert/strict";
import { identifyProcess } from "../../src/cluster/identify_process.ts";
import { slurmPort } from "../../src/cluster/slurm.ts";
import { expandNodeList, expandTasksPerNode } from "../../src/cluster/slurm_lists.ts";
import { BARE_HOST, SLURM } from "./recorded.ts";

/** Layouts recorded from SLURM 22.05: options, tasks per node, then [local rank, node] by rank. */
const LAYOUTS: [string, string, string, [number, number][]][] = [
  ["-N2 -n4", "n[1-2]", "3,1", [[0, 0], [1, 0], [2, 0], [0, 1]]],
  ["-N3 -n5", "n[1-3]", "3,1(x2)", [[0, 0], [1, 0], [2, 0], [0, 1], [0, 2]]],
  ["-N3 -n5 -m cyclic", "n[1-3]", "3,1(x2)", [[0, 0], [0, 1], [0, 2], [1, 0], [2, 0]]],
  ["-n2", "n1", "2", [[0, 0], [1, 0]]],
];

for (const [options, nodes, perNode, ranks] of LAYOUTS) {
  Deno.test(`srun ${options}`, () => {
    const counts = expandTasksPerNode(perNode);
    ranks.forEach(([localRank, nodeRank], rank) => {
      const info = identifyProcess({
        ...SLURM,
        SLURM_PROCID: String(rank),
        SLURM_LOCALID: String(localRank),
        SLURM_NODEID: String(nodeRank),
        SLURM_STEP_NUM_TASKS: String(ranks.length),
        SLURM_STEP_NODELIST: nodes,
        SLURM_STEP_TASKS_PER_NODE: perNode,
      }, BARE_HOST);
      assert.deepEqual(info, {
        rank,
        worldSize: ranks.length,
        localRank,
        localWorldSize: counts[nodeRank],
        nodeRank,
        masterAddr: counts.length === 1 ? "127.0.0.1" : "n1",
        masterPort: slurmPort(2, 0, 0),
        jobToken: "open:slurm:2.0.0",
        source: "slurm",
      });
    });
  });
}

Deno.test("a task of a job array is a job of its own", () => {
  const array = { SLURM_ARRAY_JOB_ID: "10", SLURM_ARRAY_TASK_ID: "0", SLURM_ARRAY_TASK_COUNT: "2" };
  const first = identifyProcess({ ...SLURM, ...array, SLURM_JOB_ID: "11" }, BARE_HOST);
  const second = identifyProcess(
    { ...SLURM, ...array, SLURM_ARRAY_TASK_ID: "1", SLURM_JOB_ID: "10" },
    BARE_HOST,
  );
  assert.notEqual(first.masterPort, second.masterPort);
  assert.notEqual(first.jobToken, second.jobToken);
});

Deno.test("a requeued job refuses the ranks of its earlier start", () => {
  const again = identifyProcess({ ...SLURM, SLURM_RESTART_COUNT: "1" }, BARE_HOST);
  assert.equal(again.jobToken, "open:slurm:2.0.1");
  assert.notEqual(again.masterPort, slurmPort(2, 0, 0));
});

Deno.test("steps of one job and of neighbouring jobs have ports of their own, below the ephemeral range", () => {
  const ports = new Set<number>();
  for (let job = 90_000; job < 90_100; job++) {
    for (let step = 0; step < 64; step++) ports.add(slurmPort(job, step, 0));
  }
  assert.equal(ports.size, 6400);
  assert.ok(Math.min(...ports) >= 20000 && Math.max(...ports) < 32768);
  const last = slurmPort(2 ** 32 - 1, 2 ** 32 - 1, 1000);
  assert.ok(Number.isInteger(last) && last >= 20000 && last < 32768);
});

Deno.test("with an arbitrary distribution task 0 may run anywhere: MASTER_ADDR is asked for", () => {
  const arbitrary = { ...SLURM, SLURM_DISTRIBUTION: "arbitrary" };
  assert.throws(() => identifyProcess(arbitrary, BARE_HOST), /MASTER_ADDR must be .* host of rank 0/);
  assert.equal(identifyProcess({ ...arbitrary, MASTER_ADDR: "n2" }, BARE_HOST).masterAddr, "n2");
});

Deno.test("MASTER_ADDR and MASTER_PORT win over what is derived", () => {
  const info = identifyProcess({ ...SLURM, MASTER_ADDR: "ib-n1", MASTER_PORT: "4242" }, BARE_HOST);
  assert.deepEqual([info.masterAddr, info.masterPort], ["ib-n1", 4242]);
});

Deno.test("old SLURM's names of job and step", () => {
  const old = { ...SLURM, SLURM_JOB_ID: undefined, SLURM_STEP_ID: undefined, SLURM_STEPID: "3" };
  assert.equal(identifyProcess(old, BARE_HOST).jobToken, "open:slurm:2.3.0");
});

Deno.test("node lists", () => {
  assert.deepEqual(
    expandNodeList("n[01-04,07],g-a[1-2]b[3-4],x"),
    "n01 n02 n03 n04 n07 g-a1b3 g-a1b4 g-a2b3 g-a2b4 x".split(" "),
  );
  assert.deepEqual(expandNodeList("node-1.cluster"), ["node-1.cluster"]);
  assert.deepEqual(expandNodeList("n[9-11]"), ["n9", "n10", "n11"]);
  assert.deepEqual(expandNodeList("n[099-100]-ib"), ["n099-ib", "n100-ib"]);
  assert.equal(expandNodeList("r[1-9]c[0-9]n[0-9]").length, 900);
});

Deno.test("tasks per node", () => {
  assert.deepEqual(expandTasksPerNode("3,1(x2),2"), [3, 1, 1, 2]);
  assert.equal(expandTasksPerNode("64(x4096)").length, 4096);
});

Deno.test("malformed lists are errors that show them, however long the lists they stand for", () => {
  for (
    const text of [
      "",
      "n[",
      "n]",
      "n[1-",
      "n[3-1]",
      "n[a-b]",
      "n[1,,2]",
      "n1,",
      "n[1-999999999]",
      "n[1-9]]",
      "a b",
    ]
  ) {
    assert.throws(
      () => expandNodeList(text),
      (error: Error) => error.message.includes(JSON.stringify(text)),
      text,
    );
  }
  assert.throws(() => expandNodeList("a[1-1000]b[1-1000]c[1-1000]"), /SLURM_STEP_NODELIST/);
  for (const text of ["", "x", "0", "3,", "1(x)", "1(x2", "-1", "1(x999999999999)"]) {
    assert.throws(
      () => expandTasksPerNode(text),
      (error: Error) => error.message.includes(JSON.stringify(text)),
      text,
    );
  }
});
