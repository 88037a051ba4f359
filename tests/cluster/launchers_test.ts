import assert from "node:assert/strict";
import { derivePort } from "../../src/cluster/environment.ts";
import type { Host } from "../../src/cluster/host.ts";
import { identifyProcess } from "../../src/cluster/identify_process.ts";
import type { Environment, ProcessInfo } from "../../src/cluster/process_info.ts";
import {
  BARE_HOST,
  FLUX,
  HYDRA,
  INTEL_MPI_HOST,
  JSM,
  KUBERNETES,
  MPICH_HOST,
  OPEN_MPI_4,
  OPEN_MPI_5,
  PALS,
  TORCHRUN,
} from "./recorded.ts";

const HEAD = { MASTER_ADDR: "n0" };

/** Name, environment, host, and [rank, size, local rank, local size, node], address, port, token, source. */
const CASES: [string, Environment, Host, (number | undefined)[], string, number, string, string][] = [
  [
    "torchrun",
    TORCHRUN,
    BARE_HOST,
    [3, 4, 1, 2, 1],
    "10.0.0.1",
    29500,
    'open:torchrun:["none","0",29500]',
    "torchrun",
  ],
  [
    "this project's launcher",
    { ...TORCHRUN, GROUP_RANK: undefined, NODE_RANK: "1", DEEPINV_JOB_TOKEN: "secret" },
    BARE_HOST,
    [3, 4, 1, 2, 1],
    "10.0.0.1",
    29500,
    "secret",
    "torchrun",
  ],
  [
    "rank, size and port only",
    { RANK: "1", WORLD_SIZE: "2", MASTER_PORT: "5000" },
    BARE_HOST,
    [1, 2, 1, 2, 0],
    "127.0.0.1",
    5000,
    "open:torchrun:[null,null,5000]",
    "torchrun",
  ],
  [
    "Open MPI 4",
    OPEN_MPI_4,
    BARE_HOST,
    [3, 4, 1, 2, undefined],
    "192.0.2.2",
    derivePort("open_mpi:1737490433"),
    "open:open_mpi:1737490433",
    "open_mpi",
  ],
  [
    "Open MPI 5",
    OPEN_MPI_5,
    BARE_HOST,
    [1, 4, 1, 2, undefined],
    "gpu-node-07",
    derivePort("open_mpi:prterun-gpu-node-07-21964@1"),
    "open:open_mpi:prterun-gpu-node-07-21964@1",
    "open_mpi",
  ],
  [
    "Open MPI on one node",
    { ...OPEN_MPI_4, OMPI_COMM_WORLD_LOCAL_SIZE: "4", OMPI_COMM_WORLD_LOCAL_RANK: "3" },
    BARE_HOST,
    [3, 4, 3, 4, 0],
    "127.0.0.1",
    derivePort("open_mpi:1737490433"),
    "open:open_mpi:1737490433",
    "open_mpi",
  ],
  [
    "MPICH on one node",
    HYDRA,
    MPICH_HOST,
    [1, 2, 1, 2, 1],
    "127.0.0.1",
    derivePort("pmi:head:46121"),
    "open:pmi:head:46121",
    "pmi",
  ],
  [
    "MPICH on several nodes",
    { ...HYDRA, PMI_SIZE: "4", PMI_RANK: "3" },
    MPICH_HOST,
    [3, 4, 1, 2, 1],
    "head",
    derivePort("pmi:head:46121"),
    "open:pmi:head:46121",
    "pmi",
  ],
  [
    "Intel MPI",
    { ...HYDRA, PMI_SIZE: "4" },
    INTEL_MPI_HOST,
    [1, 4, 1, 2, 0],
    "login3",
    derivePort("pmi:login3:40113"),
    "open:pmi:login3:40113",
    "pmi",
  ],
  [
    "MPICH whose proxy cannot be seen",
    HYDRA,
    BARE_HOST,
    [1, 2, 1, 2, 0],
    "127.0.0.1",
    derivePort("pmi:process 4711"),
    "open:pmi:process 4711",
    "pmi",
  ],
  [
    "Flux",
    { ...FLUX, ...HEAD },
    BARE_HOST,
    [5, 8, 1, 4, undefined],
    "n0",
    derivePort("flux:f2ZpLb3Ry"),
    "open:flux:f2ZpLb3Ry",
    "flux",
  ],
  [
    "Flux, unevenly spread",
    { ...FLUX, ...HEAD, FLUX_JOB_NNODES: "3", LOCAL_WORLD_SIZE: "3" },
    BARE_HOST,
    [5, 8, 1, 3, undefined],
    "n0",
    derivePort("flux:f2ZpLb3Ry"),
    "open:flux:f2ZpLb3Ry",
    "flux",
  ],
  [
    "PALS",
    { ...PALS, ...HEAD },
    BARE_HOST,
    [13, 24, 1, 12, 1],
    "n0",
    derivePort(`pals:${PALS.PALS_APID}`),
    `open:pals:${PALS.PALS_APID}`,
    "pals",
  ],
  [
    "JSM",
    JSM,
    BARE_HOST,
    [7, 12, 1, 6, undefined],
    "a01n01",
    derivePort("jsm:884.2"),
    "open:jsm:884.2",
    "jsm",
  ],
  [
    "Kubernetes",
    KUBERNETES,
    BARE_HOST,
    [2, 4, 0, 1, 2],
    "deepinv-0.deepinv",
    29500,
    "open:kubernetes:deepinv-0.deepinv",
    "kubernetes",
  ],
  ["nothing", {}, BARE_HOST, [0, 1, 0, 1, 0], "127.0.0.1", 0, "", "single"],
];

for (const [name, env, host, place, address, port, token, source] of CASES) {
  Deno.test(`who am I under ${name}`, () => {
    const info: ProcessInfo = identifyProcess(env, host);
    assert.deepEqual(
      [info.rank, info.worldSize, info.localRank, info.localWorldSize, info.nodeRank],
      place,
    );
    assert.deepEqual([info.masterAddr, info.masterPort, info.jobToken, info.source], [
      address,
      port,
      token,
      source,
    ]);
  });
}

Deno.test("MASTER_ADDR, MASTER_PORT and the launcher's token win over what is derived", () => {
  const given = { MASTER_ADDR: "head.example", MASTER_PORT: "4242", DEEPINV_JOB_TOKEN: "t" };
  for (const env of [OPEN_MPI_4, HYDRA, FLUX, PALS, JSM, KUBERNETES]) {
    const { masterAddr, masterPort, jobToken } = identifyProcess({ ...env, ...given }, MPICH_HOST);
    assert.deepEqual([masterAddr, masterPort, jobToken], ["head.example", 4242, "t"]);
  }
});

Deno.test("jobs on one node that run at the same time have other ports and tokens", () => {
  const one = identifyProcess(HYDRA, MPICH_HOST);
  const two = identifyProcess(HYDRA, {
    ...MPICH_HOST,
    ancestors: () => [["hydra_pmi_proxy", "--control-port", "head:46122"]],
  });
  assert.notEqual(one.masterPort, two.masterPort);
  assert.notEqual(one.jobToken, two.jobToken);
});

Deno.test("a restarted job refuses the ranks of its earlier start", () => {
  const token = (count: string): string =>
    identifyProcess({ ...TORCHRUN, TORCHELASTIC_RESTART_COUNT: count }, BARE_HOST).jobToken;
  assert.notEqual(token("0"), token("1"));
});
