import { deepStrictEqual, match, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { freePort } from "../../launch/free_port.ts";
import { newKey } from "../../launch/nodes.ts";
import { fixture, Launcher, type LaunchSettings, survivors } from "./launcher.ts";
import { canMakeHosts, NetworkHosts } from "./network_hosts.ts";

const MEETING = fixture("meeting.ts");
const hostsPossible = canMakeHosts();

function nodeFlags(node: number, count: number, endpoint: string): string[] {
  return ["--nnodes", String(count), "--node-rank", String(node), "--rdzv-endpoint", endpoint, "-n", "2"];
}

function results(stdouts: string[]): string[] {
  return stdouts.flatMap((text) => text.split("\n").filter((line) => line !== "")).toSorted();
}

Deno.test("several hosts: launchers meet at host 0, and a failure on one restarts all", async () => {
  const endpoint = `127.0.0.1:${freePort("127.0.0.1")}`;
  const launchers = [0, 1].map((node) =>
    new Launcher([...nodeFlags(node, 2, endpoint), "--max-restarts", "1", MEETING, "3:1"])
  );
  const [first, second] = await Promise.all(launchers.map((launcher) => launcher.finished()));
  deepStrictEqual([first.code, second.code], [0, 0], first.stderr + second.stderr);
  const name = Deno.hostname();
  deepStrictEqual(results([first.stdout, second.stdout]), [
    `[0] ${name} rank 0 of 4 at 0.0, start 1, sum 6`,
    `[1] ${name} rank 1 of 4 at 0.1, start 1, sum 6`,
    `[2] ${name} rank 2 of 4 at 1.0, start 1, sum 6`,
    `[3] ${name} rank 3 of 4 at 1.1, start 1, sum 6`,
  ]);
  match(second.stderr, /^deepinv-run: rank 3 failed: exit code 1: Error: planned failure$/m);
  match(first.stderr, /^deepinv-run: the cause is on another host/m);
  match(first.stderr, /RankFailedError: .*rank 3/);
});

Deno.test("several hosts: the loss of one launcher with its ranks ends the job on the others", async () => {
  const endpoint = `127.0.0.1:${freePort("127.0.0.1")}`;
  await using first = new Launcher([...nodeFlags(0, 2, endpoint), MEETING, "wait"]);
  await using second = new Launcher([...nodeFlags(1, 2, endpoint), MEETING, "wait"]);
  const pids = (await Promise.all([first.pids(2), second.pids(2)])).flat();
  second.kill("SIGKILL");
  const { code, stderr, seconds } = await first.finished();
  notStrictEqual(code, 0);
  match(stderr, /RankFailedError: .*rank [23] /);
  match(stderr, /^deepinv-run: the cause is on another host/m);
  ok(seconds < 10, `${seconds} s`);
  deepStrictEqual(await survivors(pids), []);
});

Deno.test("several hosts: ranks with another key are not let in", async () => {
  const endpoint = `127.0.0.1:${freePort("127.0.0.1")}`;
  const launchers = [0, 1].map((node) => {
    const env = { DEEPINV_JOB_KEY: newKey(), MEETING_TIMEOUT: "700" };
    return new Launcher([...nodeFlags(node, 2, endpoint), MEETING], { env });
  });
  for (
    const { code, stdout, stderr } of await Promise.all(launchers.map((launcher) => launcher.finished()))
  ) {
    notStrictEqual(code, 0);
    strictEqual(stdout, "");
    match(stderr, /did not show up at 127\.0\.0\.1/);
  }
});

Deno.test("several hosts: without a key the launch is refused, before anything starts", async () => {
  await using launcher = new Launcher([...nodeFlags(0, 2, "10.1.2.3:4000"), MEETING], {
    env: { DEEPINV_JOB_KEY: "" },
  });
  const { code, stdout, stderr } = await launcher.finished();
  deepStrictEqual([code, stdout], [2, ""]);
  match(stderr, /^deepinv-run: Cannot launch: DEEPINV_JOB_KEY must be set to one key on all hosts [^\n]*\n$/);
});

Deno.test("several hosts: keygen prints a key that a launch accepts, and a dry run does not show it", async () => {
  const keygen = await new Launcher(["keygen"]).finished();
  deepStrictEqual([keygen.code, keygen.stderr], [0, ""]);
  match(keygen.stdout, /^[0-9a-f]{64}\n$/);
  const env = { DEEPINV_JOB_KEY: keygen.stdout.trim() };
  const plan = await new Launcher(["--dry-run", ...nodeFlags(1, 2, "10.1.2.3:4000"), MEETING], { env })
    .finished();
  strictEqual(plan.code, 0, plan.stderr);
  match(
    plan.stdout,
    /^rank 2 on [^]*DEEPINV_JOB_KEY=\(secret\)[^]*MASTER_ADDR=10\.1\.2\.3\n[^]*^rank 3 on /m,
  );
  ok(!plan.stdout.includes(env.DEEPINV_JOB_KEY));
});

Deno.test({
  name: "several hosts: three of them with addresses and names of their own",
  ignore: !hostsPossible,
  async fn() {
    using hosts = new NetworkHosts(3);
    const env = { DEEPINV_JOB_KEY: newKey() };
    const endpoint = `${hosts.address(0)}:29500`;
    const finished = await Promise.all([0, 1, 2].map((node) => {
      const settings: LaunchSettings = { env, wrap: (command) => hosts.on(node, command) };
      return new Launcher([...nodeFlags(node, 3, endpoint), MEETING], settings).finished();
    }));
    deepStrictEqual(
      finished.map(({ code }) => code),
      [0, 0, 0],
      finished.map(({ stderr }) => stderr).join(""),
    );
    deepStrictEqual(
      results(finished.map(({ stdout }) => stdout)),
      Array.from({ length: 6 }, (_, rank) => {
        const node = Math.floor(rank / 2);
        return `[${rank}] host${node} rank ${rank} of 6 at ${node}.${rank % 2}, start 0, sum 15`;
      }),
    );
  },
});
