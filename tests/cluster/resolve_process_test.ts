import assert from "node:assert/strict";
import { derivePort } from "../../src/cluster/environment.ts";
import type { Environment } from "../../src/cluster/process_info.ts";
import { resolveProcess } from "../../src/cluster/resolve_process.ts";
import { expandNodeList, expandTasksPerNode } from "../../src/cluster/slurm.ts";

const TORCHRUN: Environment = {
  ...{ RANK: "3", WORLD_SIZE: "4", LOCAL_RANK: "1", LOCAL_WORLD_SIZE: "2", GROUP_RANK: "1" },
  ...{ MASTER_ADDR: "10.0.0.1", MASTER_PORT: "29500", DEEPINV_JOB_TOKEN: "secret" },
};
const SLURM: Environment = {
  ...{
    SLURM_PROCID: "4",
    SLURM_LOCALID: "0",
    SLURM_NODEID: "2",
    SLURM_STEP_NUM_TASKS: "5",
    SLURM_JOB_ID: "17",
  },
  ...{ SLURM_STEP_ID: "0", SLURM_STEP_NODELIST: "n[01-02,07]", SLURM_STEP_TASKS_PER_NODE: "3,1(x2)" },
};
const OPEN_MPI: Environment = {
  ...{ OMPI_COMM_WORLD_RANK: "1", OMPI_COMM_WORLD_SIZE: "4", OMPI_COMM_WORLD_LOCAL_RANK: "1" },
  ...{ OMPI_COMM_WORLD_LOCAL_SIZE: "2", OMPI_MCA_orte_hnp_uri: "123.0;tcp://10.1.2.3,10.9.9.9:4000" },
};
const PMI: Environment = { PMI_RANK: "1", PMI_SIZE: "2", MPI_LOCALRANKID: "1", MPI_LOCALNRANKS: "2" };

Deno.test("an empty environment is a single process", () => {
  const { rank, worldSize, localRank, localWorldSize, source } = resolveProcess({});
  assert.deepEqual([rank, worldSize, localRank, localWorldSize, source], [0, 1, 0, 1, "single"]);
});

Deno.test("torchrun's variables", () => {
  assert.deepEqual(resolveProcess(TORCHRUN), {
    ...{ rank: 3, worldSize: 4, localRank: 1, localWorldSize: 2, nodeRank: 1 },
    ...{ masterAddr: "10.0.0.1", masterPort: 29500, jobToken: "secret", source: "torchrun" },
  });
  const local = resolveProcess({ RANK: "1", WORLD_SIZE: "2", MASTER_PORT: "5000" });
  assert.deepEqual([local.localRank, local.localWorldSize, local.masterAddr], [1, 2, "127.0.0.1"]);
});

Deno.test("malformed variables are named", () => {
  const cases: [Environment, RegExp][] = [
    [{ ...TORCHRUN, RANK: "4" }, /RANK must be an integer from 0 to 3, got "4"/],
    [{ ...TORCHRUN, RANK: "-1" }, /RANK must be an integer/],
    [{ ...TORCHRUN, RANK: "1.5" }, /RANK must be an integer/],
    [{ ...TORCHRUN, RANK: "one" }, /RANK must be an integer/],
    [{ ...TORCHRUN, RANK: undefined }, /RANK must be set/],
    [{ ...TORCHRUN, WORLD_SIZE: "" }, /WORLD_SIZE must be set/],
    [{ ...TORCHRUN, WORLD_SIZE: "0" }, /WORLD_SIZE must be an integer >= 1/],
    [{ ...TORCHRUN, LOCAL_RANK: "2" }, /LOCAL_RANK must be an integer from 0 to 1/],
    [{ ...TORCHRUN, MASTER_PORT: "70000" }, /MASTER_PORT must be an integer from 1 to 65535/],
    [{ ...TORCHRUN, MASTER_PORT: undefined }, /MASTER_PORT must be set/],
    [{ ...SLURM, SLURM_STEP_NODELIST: "n[1-" }, /SLURM_STEP_NODELIST must be like/],
    [{ ...SLURM, SLURM_STEP_TASKS_PER_NODE: "x" }, /SLURM_STEP_TASKS_PER_NODE must be like/],
  ];
  for (const [env, message] of cases) assert.throws(() => resolveProcess(env), message);
});

Deno.test("a SLURM job step, unevenly spread", () => {
  const process = resolveProcess(SLURM);
  assert.deepEqual(process, {
    ...{ rank: 4, worldSize: 5, localRank: 0, localWorldSize: 1, nodeRank: 2 },
    ...{ masterAddr: "n01", masterPort: derivePort("17.0"), jobToken: "", source: "slurm" },
  });
  assert.notEqual(derivePort("17.0"), derivePort("17.1"));
});

Deno.test("a SLURM batch script without srun is a single process", () => {
  assert.equal(resolveProcess({ ...SLURM, SLURM_STEP_NUM_TASKS: undefined }).source, "single");
});

Deno.test("Open MPI and PMI", () => {
  const openMpi = resolveProcess(OPEN_MPI);
  assert.deepEqual([openMpi.rank, openMpi.worldSize, openMpi.localRank, openMpi.localWorldSize], [
    1,
    4,
    1,
    2,
  ]);
  assert.equal(openMpi.masterAddr, "10.1.2.3");
  const pmi = resolveProcess(PMI);
  assert.deepEqual([pmi.rank, pmi.worldSize, pmi.localRank, pmi.source], [1, 2, 1, "pmi"]);
});

Deno.test("the innermost launcher wins", () => {
  assert.equal(resolveProcess({ ...SLURM, ...PMI, ...OPEN_MPI, ...TORCHRUN }).source, "torchrun");
  assert.equal(resolveProcess({ ...SLURM, ...PMI, ...OPEN_MPI }).source, "open_mpi");
  assert.equal(resolveProcess({ ...SLURM, ...PMI }).source, "pmi");
});

Deno.test("SLURM's compressed lists", () => {
  assert.deepEqual(expandNodeList("n[01-03,07],g-a[1-2]b[3-4],x"), [
    ...["n01", "n02", "n03", "n07", "g-a1b3", "g-a1b4", "g-a2b3", "g-a2b4", "x"],
  ]);
  assert.deepEqual(expandTasksPerNode("3,1(x2),2"), [3, 1, 1, 2]);
});
