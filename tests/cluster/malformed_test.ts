import assert from "node:assert/strict";
import { identifyProcess } from "../../src/cluster/identify_process.ts";
import type { Environment } from "../../src/cluster/process_info.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import {
  BARE_HOST,
  FLUX,
  HYDRA,
  JSM,
  KUBERNETES,
  MPICH_HOST,
  OPEN_MPI_4,
  OPEN_MPI_5,
  PALS,
  SLURM,
  TORCHRUN,
} from "./recorded.ts";

const CASES: [Environment, RegExp][] = [
  [{ ...TORCHRUN, RANK: "4" }, /RANK must be an integer from 0 to 3, got "4"/],
  [{ ...TORCHRUN, RANK: "-1" }, /RANK must be an integer from 0 to 3, got "-1"/],
  [{ ...TORCHRUN, RANK: "1.5" }, /RANK must be an integer .*, got "1.5"/],
  [{ ...TORCHRUN, RANK: "0x1" }, /RANK must be an integer .*, got "0x1"/],
  [{ ...TORCHRUN, RANK: "one" }, /RANK must be an integer .*, got "one"/],
  [{ ...TORCHRUN, RANK: undefined }, /RANK must be set, got nothing/],
  [{ ...TORCHRUN, WORLD_SIZE: "" }, /WORLD_SIZE must be set, got nothing/],
  [{ ...TORCHRUN, WORLD_SIZE: "0" }, /WORLD_SIZE must be an integer >= 1, got "0"/],
  [{ ...TORCHRUN, LOCAL_RANK: "2" }, /LOCAL_RANK must be an integer from 0 to 1, got "2"/],
  [{ ...TORCHRUN, LOCAL_WORLD_SIZE: "5" }, /LOCAL_WORLD_SIZE must be an integer from 1 to 4, got "5"/],
  [{ ...TORCHRUN, GROUP_RANK: "x" }, /GROUP_RANK must be an integer .*, got "x"/],
  [{ ...TORCHRUN, MASTER_PORT: "70000" }, /MASTER_PORT must be an integer from 1 to 65535, got "70000"/],
  [{ ...TORCHRUN, MASTER_PORT: undefined }, /MASTER_PORT must be set, got nothing/],
  [{ ...TORCHRUN, MASTER_ADDR: undefined }, /MASTER_ADDR must be .* host of rank 0 \(torchrun/],
  [{ ...TORCHRUN, MASTER_ADDR: "a b" }, /MASTER_ADDR must be .* host of rank 0, got "a b"/],
  [{ ...OPEN_MPI_4, OMPI_COMM_WORLD_LOCAL_SIZE: undefined }, /OMPI_COMM_WORLD_LOCAL_SIZE must be set/],
  [
    { ...OPEN_MPI_4, OMPI_COMM_WORLD_RANK: "9" },
    /OMPI_COMM_WORLD_RANK must be an integer from 0 to 3, got "9"/,
  ],
  [{ ...OPEN_MPI_5, PMIX_NAMESPACE: "job" }, /MASTER_ADDR must be .* \(open_mpi does not tell it\)/],
  [{ ...HYDRA, PMI_SIZE: "two" }, /PMI_SIZE must be an integer >= 1, got "two"/],
  [{ ...HYDRA, MPI_LOCALRANKID: "2" }, /MPI_LOCALRANKID must be an integer from 0 to 1, got "2"/],
  [{ ...HYDRA, PMI_SIZE: "4", MASTER_ADDR: "n0" }, /MASTER_PORT must be set/],
  [FLUX, /MASTER_ADDR must be .* \(flux does not tell it\)/],
  [{ ...FLUX, PMI_RANK: undefined, FLUX_JOB_SIZE: undefined }, /FLUX_JOB_SIZE must be set/],
  [{ ...FLUX, FLUX_JOB_NNODES: "3" }, /FLUX_JOB_SIZE must be a multiple of FLUX_JOB_NNODES \(3\).*, got 8/],
  [{ ...FLUX, FLUX_TASK_LOCAL_ID: "4" }, /FLUX_TASK_LOCAL_ID must be an integer from 0 to 3, got "4"/],
  [PALS, /MASTER_ADDR must be .* \(pals does not tell it\)/],
  [{ ...PALS, PMI_SIZE: undefined }, /PMI_SIZE must be set/],
  [{ ...PALS, PALS_LOCAL_RANKID: "12" }, /PALS_LOCAL_RANKID must be an integer from 0 to 11, got "12"/],
  [{ ...JSM, LSB_MCPU_HOSTS: "" }, /MASTER_ADDR must be .* \(jsm does not tell it\)/],
  [{ ...JSM, JSM_NAMESPACE_LOCAL_SIZE: "13" }, /JSM_NAMESPACE_LOCAL_SIZE must be an integer from 1 to 12/],
  [{ ...SLURM, SLURM_PROCID: "5" }, /SLURM_PROCID must be an integer from 0 to 4, got "5"/],
  [{ ...SLURM, SLURM_LOCALID: "1" }, /SLURM_LOCALID must be an integer from 0 to 0, got "1"/],
  [{ ...SLURM, SLURM_NODEID: "3" }, /SLURM_NODEID must be an integer from 0 to 2, got "3"/],
  [{ ...SLURM, SLURM_NODEID: undefined }, /SLURM_NODEID must be set/],
  [{ ...SLURM, SLURM_STEP_NODELIST: "n[1-" }, /SLURM_STEP_NODELIST must be like .*, got "n\[1-"/],
  [{ ...SLURM, SLURM_STEP_NODELIST: undefined }, /SLURM_STEP_NODELIST must be set/],
  [{ ...SLURM, SLURM_STEP_TASKS_PER_NODE: "x" }, /SLURM_STEP_TASKS_PER_NODE must be like .*, got "x"/],
  [{ ...SLURM, SLURM_STEP_TASKS_PER_NODE: "3,2" }, /SLURM_STEP_TASKS_PER_NODE must be a list of 3 numbers/],
  [{ ...SLURM, SLURM_STEP_TASKS_PER_NODE: "2,1,1" }, /whose sum is 5 .*, got "2,1,1"/],
  [{ ...SLURM, SLURM_JOB_ID: "7_1" }, /SLURM_JOB_ID must be an integer >= 0, got "7_1"/],
  [{ ...SLURM, SLURM_JOB_ID: undefined, SLURM_JOBID: undefined }, /MASTER_PORT must be set/],
  [
    { ...KUBERNETES, JOB_COMPLETION_INDEX: "4" },
    /JOB_COMPLETION_INDEX must be an integer from 0 to 3, got "4"/,
  ],
  [{ ...KUBERNETES, MASTER_ADDR: undefined }, /MASTER_ADDR must be .* \(kubernetes does not tell it\)/],
  [{ ...KUBERNETES, WORLD_SIZE: "all" }, /WORLD_SIZE must be an integer >= 1, got "all"/],
];

CASES.forEach(([env, message], index) => {
  Deno.test(`malformed environment ${index + 1}: ${message.source.split(/ |\\/)[0]}`, () => {
    assert.throws(() => identifyProcess(env, BARE_HOST), (error: Error) => {
      assert.ok(error instanceof InvalidArgumentError);
      assert.match(error.message, message);
      return true;
    });
  });
});

Deno.test("one process needs neither address nor port", () => {
  const environments = [
    { ...TORCHRUN, RANK: "0", WORLD_SIZE: "1", LOCAL_RANK: "0", LOCAL_WORLD_SIZE: "1", GROUP_RANK: "0" },
    { ...HYDRA, PMI_RANK: "0", PMI_SIZE: "1", MPI_LOCALRANKID: "0", MPI_LOCALNRANKS: "1" },
    { SLURM_PROCID: "0", SLURM_LOCALID: "0", SLURM_STEP_NUM_TASKS: "1", SLURM_JOB_ID: "1" },
    { JOB_COMPLETION_INDEX: "0", WORLD_SIZE: "1" },
  ];
  for (const env of environments) {
    const { rank, worldSize, nodeRank } = identifyProcess(
      { ...env, MASTER_ADDR: undefined, MASTER_PORT: undefined },
      MPICH_HOST,
    );
    assert.deepEqual([rank, worldSize, nodeRank], [0, 1, 0]);
  }
});
