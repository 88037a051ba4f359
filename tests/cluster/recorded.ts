/** Environments as the launchers set them, without what does not matter here, and the machine beneath. */

import type { Host } from "../../src/cluster/host.ts";
import type { Environment } from "../../src/cluster/process_info.ts";

/** A machine that tells nothing but the parent's process id. */
export const BARE_HOST: Host = { parentPid: 4711, ancestors: () => [] };

const PROXY =
  "/usr/bin/hydra_pmi_proxy --control-port head:46121 --rmk user --launcher ssh --demux poll --pgid 0 " +
  "--retries 10 --usize -2 --pmi-port 0 --gpus-per-proc -2 --proxy-id 1";

/** Node 1 of an MPICH job, started through a shell. */
export const MPICH_HOST: Host = {
  parentPid: 3044,
  ancestors: () => [["bash", "-c", "deno run hydra_pmi_proxy.ts"], PROXY.split(" "), ["/usr/sbin/sshd"]],
};

/** Node 0 of an Intel MPI job. */
export const INTEL_MPI_HOST: Host = {
  parentPid: 12,
  ancestors: () => [
    "/opt/intel/bin/hydra_bstrap_proxy --upstream-host login3 --upstream-port 40113 --pgid 0 --proxy-id 0"
      .split(" "),
  ],
};

/** Rank 3 of `torchrun --nnodes 2 --nproc-per-node 2`. */
export const TORCHRUN: Environment = {
  RANK: "3",
  WORLD_SIZE: "4",
  LOCAL_RANK: "1",
  LOCAL_WORLD_SIZE: "2",
  GROUP_RANK: "1",
  GROUP_WORLD_SIZE: "2",
  ROLE_RANK: "3",
  MASTER_ADDR: "10.0.0.1",
  MASTER_PORT: "29500",
  TORCHELASTIC_RUN_ID: "none",
  TORCHELASTIC_RESTART_COUNT: "0",
};

/** Rank 3 of `mpirun -n 4` of Open MPI 4 on two nodes, two ranks each. */
export const OPEN_MPI_4: Environment = {
  OMPI_COMM_WORLD_RANK: "3",
  OMPI_COMM_WORLD_SIZE: "4",
  OMPI_COMM_WORLD_LOCAL_RANK: "1",
  OMPI_COMM_WORLD_LOCAL_SIZE: "2",
  OMPI_COMM_WORLD_NODE_RANK: "1",
  OMPI_MCA_orte_hnp_uri: "1737490432.0;tcp://192.0.2.2,10.9.9.9:42881;tcp6://[fd00::2]:52451",
  OMPI_MCA_ess_base_jobid: "1737490433",
  PMIX_NAMESPACE: "1737490433",
  PMIX_RANK: "3",
  PMIX_SERVER_URI2: "1737490432.1;tcp4://127.0.0.1:44059",
};

/** Rank 1 of `mpirun -n 4` of Open MPI 5 on two nodes. */
export const OPEN_MPI_5: Environment = {
  OMPI_COMM_WORLD_RANK: "1",
  OMPI_COMM_WORLD_SIZE: "4",
  OMPI_COMM_WORLD_LOCAL_RANK: "1",
  OMPI_COMM_WORLD_LOCAL_SIZE: "2",
  PMIX_NAMESPACE: "prterun-gpu-node-07-21964@1",
  PMIX_SERVER_URI2: "prterun-gpu-node-07-21964@0.0;tcp4://127.0.0.1:47217",
};

/** Rank 1 of `mpiexec.hydra -n 2` on one node. */
export const HYDRA: Environment = {
  PMI_RANK: "1",
  PMI_SIZE: "2",
  PMI_FD: "6",
  MPI_LOCALRANKID: "1",
  MPI_LOCALNRANKS: "2",
  HYDI_CONTROL_FD: "7",
};

/** Rank 5 of `flux run -N2 -n8`; Flux serves PMI as well. */
export const FLUX: Environment = {
  FLUX_JOB_ID: "f2ZpLb3Ry",
  FLUX_TASK_RANK: "5",
  FLUX_JOB_SIZE: "8",
  FLUX_JOB_NNODES: "2",
  FLUX_TASK_LOCAL_ID: "1",
  FLUX_URI: "local:///run/flux/local",
  PMI_RANK: "5",
  PMI_SIZE: "8",
  PMI_FD: "8",
};

/** Rank 13 of `mpiexec -n 24 --ppn 12` under PALS. */
export const PALS: Environment = {
  PALS_APID: "0e6ec0b0-4a36-4bd1-9dbd-6ae0e3b0a2a0",
  PALS_RANKID: "13",
  PALS_LOCAL_RANKID: "1",
  PALS_LOCAL_SIZE: "12",
  PALS_NODEID: "1",
  PMI_RANK: "13",
  PMI_SIZE: "24",
  PMI_LOCAL_RANK: "1",
  PMI_LOCAL_SIZE: "12",
};

/** Rank 7 of `jsrun -n 12 -r 6` in an LSF job on two compute nodes; Spectrum MPI's variables are there too. */
export const JSM: Environment = {
  JSM_NAMESPACE_RANK: "7",
  JSM_NAMESPACE_SIZE: "12",
  JSM_NAMESPACE_LOCAL_RANK: "1",
  JSM_NAMESPACE_LOCAL_SIZE: "6",
  LSB_JOBID: "884",
  LSB_MCPU_HOSTS: "batch5 1 a01n01 42 a01n02 42",
  PMIX_NAMESPACE: "2",
  OMPI_COMM_WORLD_RANK: "7",
  OMPI_COMM_WORLD_SIZE: "12",
  OMPI_COMM_WORLD_LOCAL_RANK: "1",
  OMPI_COMM_WORLD_LOCAL_SIZE: "6",
};

/** Rank 3 of `srun -N3 -n5` (SLURM 22.05), block distribution: nodes have 3, 1 and 1 tasks. */
export const SLURM: Environment = {
  SLURM_JOB_ID: "2",
  SLURM_JOBID: "2",
  SLURM_JOB_NODELIST: "n[1-3]",
  SLURM_JOB_NUM_NODES: "3",
  SLURM_LOCALID: "0",
  SLURM_NODEID: "1",
  SLURM_NTASKS: "5",
  SLURM_PROCID: "3",
  SLURM_STEP_ID: "0",
  SLURM_STEP_NODELIST: "n[1-3]",
  SLURM_STEP_NUM_NODES: "3",
  SLURM_STEP_NUM_TASKS: "5",
  SLURM_STEP_TASKS_PER_NODE: "3,1(x2)",
  SLURM_TASKS_PER_NODE: "3,1(x2)",
};

/** A batch script of `sbatch -N2 -n3`, which has no step of its own. */
export const SLURM_BATCH: Environment = {
  SLURM_JOB_ID: "8",
  SLURM_JOB_NODELIST: "n[1-2]",
  SLURM_JOB_NUM_NODES: "2",
  SLURM_LOCALID: "0",
  SLURM_NODEID: "0",
  SLURM_NTASKS: "3",
  SLURM_PROCID: "0",
  SLURM_TASKS_PER_NODE: "2,1",
};

/** Pod 2 of an indexed job with the shipped manifest. */
export const KUBERNETES: Environment = {
  JOB_COMPLETION_INDEX: "2",
  WORLD_SIZE: "4",
  MASTER_ADDR: "deepinv-0.deepinv",
  HOSTNAME: "deepinv-2",
  KUBERNETES_SERVICE_HOST: "10.96.0.1",
};
