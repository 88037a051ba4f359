import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { type LaunchOptions, parseCommandLine } from "../../launch/options.ts";
import { formatPlan, type HostFacts, type JobPlan, planJob } from "../../launch/plan.ts";
import { RESERVED_VARIABLES } from "../../launch/rank_variables.ts";

const location = { main: "/s.ts", configFlags: ["--config", "/p/deno.json"], guard: "file:///g.ts" };
const attempt = { masterPort: 4567, token: "c0ffee", restartCount: 2 };
const linux: HostFacts = {
  deno: "deno",
  os: "linux",
  cores: 8,
  gpus: [],
  launcherPid: 99,
  env: {},
  terminal: false,
};
const permissions = ["read", "write", "net", "env", "sys", "run", "ffi"].map((kind) => `--allow-${kind}`);

function plan(args: string[], host: Partial<HostFacts> = {}): JobPlan {
  const command = parseCommandLine(args, host.env ?? {}, { cores: 8, gpus: 0, cwd: "/here" });
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
      ...["run", "--quiet", ...permissions, "--preload", "file:///g.ts", "--config", "/p/deno.json"],
      ...["/s.ts", "--flag", "value"],
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

Deno.test("plan: device variables depend on what the user sets, here or in the shell", () => {
  strictEqual(plan(["s.ts"]).ranks[0].env.NODEVICE_SELECT, "1");
  ok(!("NODEVICE_SELECT" in plan(["--env", "DRI_PRIME=1", "s.ts"]).ranks[0].env));
  strictEqual(plan(["--env", "LP_NUM_THREADS=5", "s.ts"]).ranks[0].env.LP_NUM_THREADS, "5");
  ok(!plan(["s.ts"], { os: "darwin" }).ranks[0].args.includes("--preload"));
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

Deno.test("plan: a rank that may not load the C library has no guard", () => {
  for (const flag of ["--allow-ffi=/lib/x.so", "--deny-ffi", "-P", "--permission-set=x"]) {
    ok(!plan([`--deno-flags=${flag}`, "s.ts"]).ranks[0].args.includes("--preload"), flag);
  }
  for (const flag of ["-A", "--allow-ffi", "--deny-net", "--allow-read=/data"]) {
    ok(plan([`--deno-flags=${flag}`, "s.ts"]).ranks[0].args.includes("--preload"), flag);
  }
});

Deno.test("plan: several hosts number their ranks one after the other", () => {
  const key = "ab".repeat(32);
  const args = ["--nnodes", "3", "--node-rank", "1", "--master-addr", "10.0.0.1", "-n", "2", "s.ts"];
  const { ranks, worldSize } = plan(args, { env: { DEEPINV_JOB_KEY: key } });
  strictEqual(worldSize, 6);
  deepStrictEqual(ranks.map(({ rank, localRank }) => [rank, localRank]), [[2, 0], [3, 1]]);
  for (const { rank, env } of ranks) {
    strictEqual(env.RANK, String(rank));
    strictEqual(env.WORLD_SIZE, "6");
    strictEqual(env.LOCAL_WORLD_SIZE, "2");
    strictEqual(env.GROUP_RANK, "1");
    strictEqual(env.NODE_RANK, "1");
    strictEqual(env.GROUP_WORLD_SIZE, "3");
    strictEqual(env.MASTER_ADDR, "10.0.0.1");
    strictEqual(env.DEEPINV_JOB_KEY, key);
    ok(!("DEEPINV_INSECURE" in env));
  }
  const open = plan(["--insecure", ...args]).ranks[0].env;
  strictEqual(open.DEEPINV_INSECURE, "1");
  ok(!("DEEPINV_JOB_KEY" in open));
});

Deno.test("plan: the launcher sets no variable that it lets users set", () => {
  const { env } = plan(["--nnodes", "1", "--insecure", "s.ts"], { env: { DEEPINV_JOB_KEY: "ab".repeat(32) } })
    .ranks[0];
  const own = Object.keys(env).filter((name) => RESERVED_VARIABLES.includes(name));
  deepStrictEqual(own.toSorted(), [...RESERVED_VARIABLES].toSorted());
});

Deno.test("plan: the text for a dry run shows commands and environment, never the secret", () => {
  const key = "ab".repeat(32);
  const text = formatPlan(plan(["-n", "2", "s.ts", "x"], { env: { DEEPINV_JOB_KEY: key } }), "node7");
  ok(text.includes("rank 1 on node7, device: left to WebGPU\n  deno run --quiet --allow-read"));
  ok(text.includes("DEEPINV_JOB_KEY=(secret)") && !text.includes(key));
  ok(text.includes("    MASTER_PORT=4567\n"));
  ok(text.includes("DEEPINV_JOB_TOKEN=(secret)") && !text.includes("c0ffee"));
});
