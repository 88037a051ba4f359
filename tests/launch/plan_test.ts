import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type LaunchOptions, parseCommandLine } from "../../launch/options.ts";
import { formatPlan, type HostFacts, type JobPlan, planJob } from "../../launch/plan.ts";

const location = { main: "/s.ts", configFlags: ["--config", "/p/deno.json"], guard: "file:///g.ts" };
const attempt = { masterPort: 4567, token: "c0ffee", restartCount: 2 };
const linux: HostFacts = { deno: "deno", os: "linux", cores: 8, launcherPid: 99, env: {}, terminal: false };

function plan(args: string[], host: Partial<HostFacts> = {}): JobPlan {
  const command = parseCommandLine(args, {}, { cores: 8, cwd: "/here" });
  ok(command.kind === "run");
  return planJob(command.options as LaunchOptions, location, { ...linux, ...host }, attempt);
}

Deno.test("plan: every rank has its place, its command and the job's secret", () => {
  const { ranks, cwd, command } = plan(["-n", "3", "s.ts", "--flag", "value"]);
  strictEqual(command, "deno");
  strictEqual(cwd, "/here");
  deepStrictEqual(ranks.map((rank) => [rank.env.RANK, rank.env.LOCAL_RANK]), [["0", "0"], ["1", "1"], [
    "2",
    "2",
  ]]);
  for (const { args, env } of ranks) {
    deepStrictEqual(args, [
      ...["run", "-A", "--preload", "file:///g.ts", "--config", "/p/deno.json", "/s.ts", "--flag", "value"],
    ]);
    strictEqual(env.WORLD_SIZE, "3");
    strictEqual(env.LOCAL_WORLD_SIZE, "3");
    strictEqual(env.MASTER_ADDR, "127.0.0.1");
    strictEqual(env.MASTER_PORT, "4567");
    strictEqual(env.DEEPINV_JOB_TOKEN, "c0ffee");
    strictEqual(env.DEEPINV_LAUNCHER_PID, "99");
    strictEqual(env.RESTART_COUNT, "2");
  }
});

Deno.test("plan: cores are divided between the ranks, at least one each", () => {
  strictEqual(plan(["-n", "3", "s.ts"]).ranks[0].env.LP_NUM_THREADS, "2");
  strictEqual(plan(["-n", "20", "s.ts"]).ranks[0].env.LP_NUM_THREADS, "1");
});

Deno.test("plan: graphics variables are defaults, on Linux only", () => {
  const { env } = plan(["s.ts"]).ranks[0];
  strictEqual(env.DENO_WEBGPU_BACKEND, "vulkan");
  strictEqual(env.NODEVICE_SELECT, "1");
  const set =
    plan(["s.ts"], { env: { DENO_WEBGPU_BACKEND: "gl", LP_NUM_THREADS: "7", NODEVICE_SELECT: "0" } }).ranks[0]
      .env;
  for (const name of ["DENO_WEBGPU_BACKEND", "LP_NUM_THREADS", "NODEVICE_SELECT"]) ok(!(name in set), name);
  strictEqual(plan(["--env", "LP_NUM_THREADS=5", "s.ts"]).ranks[0].env.LP_NUM_THREADS, "5");
  ok(!("NODEVICE_SELECT" in plan(["s.ts"], { env: { DRI_PRIME: "1" } }).ranks[0].env));
  ok(!("NODEVICE_SELECT" in plan(["--env", "DRI_PRIME=1", "s.ts"]).ranks[0].env));
  const mac = plan(["s.ts"], { os: "darwin" }).ranks[0];
  ok(!("DENO_WEBGPU_BACKEND" in mac.env) && !mac.args.includes("--preload"));
});

Deno.test("plan: colours follow the terminal unless the user decided", () => {
  strictEqual(plan(["s.ts"]).ranks[0].env.NO_COLOR, "1");
  strictEqual(plan(["s.ts"], { terminal: true }).ranks[0].env.FORCE_COLOR, "1");
  const chosen = plan(["s.ts"], { terminal: true, env: { NO_COLOR: "1" } }).ranks[0].env;
  ok(!("FORCE_COLOR" in chosen) && !("NO_COLOR" in chosen));
  ok(!("NO_COLOR" in plan(["s.ts"], { env: { FORCE_COLOR: "1" } }).ranks[0].env));
});

Deno.test("plan: the device is passed by environment, and only if asked for", () => {
  strictEqual(plan(["--device", "gpu", "s.ts"]).ranks[0].env.DEEPINV_DEVICE, "gpu");
  ok(!("DEEPINV_DEVICE" in plan(["s.ts"]).ranks[0].env));
});

Deno.test("plan: permission flags of the user replace all permissions and the guard that needs them", () => {
  for (const flag of ["--allow-read", "-R", "--allow-net=a.b", "-P", "--permission-set=x"]) {
    const { args } = plan([`--deno-flags=${flag}`, "s.ts"]).ranks[0];
    deepStrictEqual(args, ["run", "--config", "/p/deno.json", flag, "/s.ts"]);
  }
  ok(plan(["--deno-flags=--deny-net --quiet", "s.ts"]).ranks[0].args.includes("-A"));
});

Deno.test("plan: the text for a dry run shows commands and environment, never the secret", () => {
  const text = formatPlan(plan(["-n", "2", "s.ts", "x"]), "node7");
  ok(text.includes("rank 1 on node7\n  deno run -A"));
  ok(text.includes("    MASTER_PORT=4567\n"));
  ok(text.includes("DEEPINV_JOB_TOKEN=(secret)") && !text.includes("c0ffee"));
});
