import assert from "node:assert/strict";
import { identifyProcess, launchHint } from "../../src/cluster/identify_process.ts";
import type { Environment } from "../../src/cluster/process_info.ts";
import { resolveProcess } from "../../src/cluster/resolve_process.ts";
import {
  BARE_HOST,
  FLUX,
  HYDRA,
  JSM,
  KUBERNETES,
  OPEN_MPI_4,
  PALS,
  SLURM,
  SLURM_BATCH,
  TORCHRUN,
} from "./recorded.ts";

const source = (...environments: Environment[]): string =>
  identifyProcess(Object.assign({ MASTER_ADDR: "n0" }, ...environments), BARE_HOST).source;

/** By precedence, with the values that a launcher nested in all the later ones would see. */
const ORDER: [string, Environment][] = [
  ["torchrun", TORCHRUN],
  ["open_mpi", OPEN_MPI_4],
  ["pmi", HYDRA],
  ["flux", { ...FLUX, PMI_RANK: undefined, PMI_SIZE: undefined }],
  ["pals", { ...PALS, PMI_RANK: undefined, PALS_SIZE: "24", PMI_SIZE: undefined }],
  ["jsm", JSM],
  ["slurm", SLURM],
  ["kubernetes", { ...KUBERNETES, WORLD_SIZE: "4" }],
];

ORDER.forEach(([name, env], index) => {
  for (const [lower, outer] of ORDER.slice(index + 1)) {
    Deno.test(`precedence: ${name} over ${lower}`, () => {
      assert.equal(source(outer, env), name);
    });
  }
});

Deno.test("a launcher that also serves PMI or Open MPI's variables is known by its own", () => {
  assert.equal(source(FLUX), "flux");
  assert.equal(source(PALS), "pals");
  assert.equal(source(JSM), "jsm");
  assert.equal(source({ ...SLURM, PMI_RANK: "3", PMI_SIZE: "5", PMI_JOBID: "2.0" }), "slurm");
});

Deno.test("hydra inside a job step of SLURM is hydra, even for the rank that has the step's number", () => {
  const step = { ...SLURM, SLURM_PROCID: "1", SLURM_STEP_NUM_TASKS: "2", SLURM_STEP_TASKS_PER_NODE: "1(x2)" };
  assert.equal(source(step, HYDRA), "pmi");
});

Deno.test("WORLD_SIZE alone, as many job scripts export it, leaves the launcher's variables in force", () => {
  assert.equal(source({ ...SLURM, WORLD_SIZE: "5" }), "slurm");
  assert.equal(source({ ...OPEN_MPI_4, WORLD_SIZE: "4" }), "open_mpi");
});

Deno.test("a batch script and an allocation without srun are single processes with a hint", () => {
  const allocation = {
    ...SLURM_BATCH,
    SLURM_PROCID: undefined,
    SLURM_LOCALID: undefined,
    SLURM_NODEID: undefined,
  };
  for (const env of [SLURM_BATCH, allocation]) {
    assert.equal(identifyProcess(env, BARE_HOST).source, "single");
    assert.match(launchHint(env)!, /SLURM job 8: .*srun/);
  }
  assert.equal(launchHint(SLURM), undefined);
  assert.equal(launchHint({}), undefined);
});

Deno.test("an indexed job without a size is single processes with a hint", () => {
  const env = { JOB_COMPLETION_INDEX: "2" };
  assert.equal(identifyProcess(env, BARE_HOST).source, "single");
  assert.match(launchHint(env)!, /pod 2: .*WORLD_SIZE/);
});

Deno.test("the process's own environment is the default, and the hint is printed once", async () => {
  assert.deepEqual(resolveProcess({}), resolveProcess({ UNRELATED: "1" }));
  const module = new URL("../../src/cluster/resolve_process.ts", import.meta.url);
  const script = `import { resolveProcess } from ${JSON.stringify(module.href)};
    console.log(resolveProcess().source, resolveProcess().source);`;
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--allow-env", `data:text/javascript,${encodeURIComponent(script)}`],
    env: { SLURM_JOB_ID: "8", SLURM_PROCID: "0" },
    clearEnv: true,
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  assert.equal(decoder.decode(stdout), "single single\n");
  assert.equal(decoder.decode(stderr).match(/start the script with srun/g)?.length, 1);
});
