/** Shared memory where the system forbids or lacks something: a filter of calls, a tiny /dev/shm, no /proc. */

import assert from "node:assert/strict";
import { runRanks } from "./spawn_ranks.ts";

const WORKER = "shm_worker.ts";
const isLinux = Deno.build.os === "linux";

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  const options = { args, stdout: "null", stderr: "null" } as const;
  return (await new Deno.Command(command, options).output().catch(() => undefined))?.success === true;
}

const canMount = isLinux && await succeeds("unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /dev/shm");

/** Runs each rank in a mount namespace of its own after some commands. */
function inNamespace(...setup: string[]) {
  return (_rank: number, command: string[]): string[] => [
    ...["unshare", "-m", "sh", "-c", `${setup.join(" && ")} && exec "$@"`, "sh"],
    ...command,
  ];
}

const FULL = "mount -t tmpfs -o size=64k tmpfs /dev/shm";
/** Deno itself does not start without a link to its program. */
const NO_PROC = `mount -t tmpfs tmpfs /proc && mkdir /proc/self && ln -s ${Deno.execPath()} /proc/self/exe`;

Deno.test({
  name: "a tiny /dev/shm: memfd does not care, the files in it give way to tcp, which is said once",
  ignore: !canMount,
  async fn() {
    const wrap = inNamespace(FULL);
    await runRanks(WORKER, 2, { args: ["order", "shm"], wrap });
    const env = { DEEPINV_SHM_MECHANISMS: "tmpfile,file" };
    const [first, second] = await runRanks(WORKER, 2, { args: ["ordinary"], wrap, env });
    assert.match(first.stderr, /^rank 0: the ranks of host \S+ use tcp: .*tmpfile: no room for \d+ bytes/);
    assert.equal(second.stderr, "");
  },
});

Deno.test({
  name: "no /proc: named files in /dev/shm are used instead of descriptors, which is said once",
  ignore: !canMount,
  async fn() {
    const options = { args: ["order", "shm"], wrap: inNamespace(NO_PROC) };
    const [first, ...others] = await runRanks(WORKER, 3, options);
    assert.match(first.stderr, /^rank 0: the ranks of host \S+ share memory in another way than usual \(/);
    assert.match(first.stderr, /\/proc\/\d+\/fd\/\d+: error 2; [^\n]*\/proc\/\d+\/fd\/\d+: error 2\)\n$/);
    assert.deepEqual(others.map(({ stderr }) => stderr), ["", ""]);
    const left = [...Deno.readDirSync("/dev/shm")].filter(({ name }) => name.startsWith("deepinv"));
    assert.deepEqual(left, []);
  },
});

Deno.test({
  name: "no /proc and a tiny /dev/shm: tcp, which is said once",
  ignore: !canMount,
  async fn() {
    const options = { args: ["ordinary"], wrap: inNamespace(FULL, NO_PROC) };
    const [first, second] = await runRanks(WORKER, 2, options);
    assert.match(first.stderr, /^rank 0: the ranks of host \S+ use tcp: no shared memory \([^\n]*\)\n$/);
    assert.equal(second.stderr, "");
  },
});

Deno.test({
  name: "a system that forbids memfd_create: the next mechanism is used, which is said once",
  ignore: !isLinux || !await succeeds("cc", "--version"),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const program = `${folder}/forbid_memfd`;
      const source = new URL("forbid_memfd.c", import.meta.url).pathname;
      assert.ok(await succeeds("cc", source, "-o", program), "the filter must compile");
      const wrap = (_rank: number, command: string[]): string[] => [program, ...command];
      const usual = await runRanks(WORKER, 2, { args: ["mechanism", "shm"] });
      assert.deepEqual(usual.map(({ stdout, stderr }) => stdout + stderr), ["memfd\n", "memfd\n"]);
      const results = await runRanks(WORKER, 2, { args: ["mechanism", "shm"], wrap });
      assert.deepEqual(results.map(({ stdout }) => stdout), ["file\n", "file\n"]);
      const [first, second] = results;
      assert.match(first.stderr, /^rank 0: the ranks of host \S+ share memory in another way [^\n]*\n$/);
      assert.match(first.stderr, /\(memfd: error 1\)/);
      assert.equal(second.stderr, "");
      await runRanks(WORKER, 3, { args: ["order", "shm"], wrap });
      await runRanks(WORKER, 3, { args: ["arrays", "shm"], wrap });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
