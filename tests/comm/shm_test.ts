import assert from "node:assert/strict";
import { runRanks, type SpawnOptions, spawnRanks } from "./spawn_ranks.ts";

const WORKER = "shm_worker.ts";
const ignore = Deno.build.os !== "linux";

/** Names in /dev/shm that are ours. */
function leftovers(): string[] {
  return [...Deno.readDirSync("/dev/shm")].map(({ name }) => name).filter((name) =>
    name.startsWith("deepinv")
  );
}

async function run(what: string, ranks: number, options: SpawnOptions = {}) {
  const results = await runRanks(WORKER, ranks, { ...options, args: [what, ...options.args ?? []] });
  return results;
}

for (const ranks of [2, 3, 5]) {
  Deno.test({
    name: `sums are taken in the order of the ranks, whatever the size: ${ranks} ranks`,
    ignore,
    fn: async () => void await run("order", ranks, { args: ["shm"] }),
  });
}

Deno.test({
  name: "NaN, infinities, signed zeros and integers behave as IEEE 754 and two's complement say",
  ignore,
  fn: async () => void await run("special", 3, { args: ["shm"] }),
});

Deno.test({
  name: "arrays in shared memory are reduced in place, whole or in part, and mix with others",
  ignore,
  async fn() {
    await Promise.all([1, 2, 4].map((ranks) => run("arrays", ranks)));
    await run("ordinary", 3, { args: ["tcp"] });
  },
});

Deno.test({
  name: "five ranks on few cores that never rest leave timers their turns",
  ignore,
  async fn() {
    for (const { stdout } of await run("timers", 5, { args: ["shm"] })) {
      // 20 ms on an idle machine; here others want the cores as well.
      assert.ok(JSON.parse(stdout).longest < 500, stdout);
    }
  },
});

Deno.test({
  name: "ranks may use the cores that they were given, after as before, and many short operations are right",
  ignore,
  async fn() {
    for (const pin of [false, true]) {
      const wrap = (_rank: number, command: string[]) => pin ? ["taskset", "-c", "0", ...command] : command;
      const started = performance.now();
      for (const { stdout } of await run("cores", 2, { args: ["shm"], wrap })) {
        const { before, after, milliseconds } = JSON.parse(stdout);
        assert.equal(after, before);
        if (pin) assert.equal(after, "0");
        // Every call is timed: the sum is neither empty nor longer than the program ran.
        assert.ok(milliseconds > 0.1 && milliseconds < performance.now() - started, stdout);
      }
    }
  },
});

Deno.test({
  name: "a rank that waits for long burns little and serves its timers",
  ignore,
  async fn() {
    for (const { rank, stdout } of await run("waiting", 3, { args: ["shm"] })) {
      const { ticks, cpu } = JSON.parse(stdout);
      if (rank > 0) assert.ok(cpu < 750, `${cpu} ms of processor time in 1500 ms`);
      assert.ok(ticks > 75, `${ticks} ticks of 5 ms in 1500 ms`);
    }
  },
});

Deno.test({
  name: "a rank that waits two seconds for the others serves a timer of 5 ms within 20 ms",
  ignore,
  async fn() {
    for (const transport of ["shm", "tcp"]) {
      for (const operation of ["barrier", "recv"]) {
        const [{ stdout }] = await run("gaps", 3, { args: [transport, operation] });
        const { count, median } = JSON.parse(stdout);
        assert.ok(median < 20 && count > 50, `${transport}, ${operation}: ${stdout}`);
      }
    }
  },
});

Deno.test({
  name: "messages between two ranks outnumber their mailboxes, in any order, and wake a sleeping rank",
  ignore,
  async fn() {
    for (const ranks of [2, 5]) await run("messages", ranks, { args: ["shm"] });
    await run("messages", 3, { args: ["tcp"] });
  },
});

Deno.test({
  name: "no descriptor and no name stays open, whichever mechanism is used",
  ignore,
  async fn() {
    for (const mechanism of ["memfd", "tmpfile", "file"]) {
      const results = await run("mappings", 3, {
        args: ["shm"],
        env: { DEEPINV_SHM_MECHANISMS: mechanism },
      });
      for (const { stdout, stderr } of results) {
        assert.deepEqual([JSON.parse(stdout), stderr], [{ segments: 1, descriptors: 0 }, ""], mechanism);
      }
      await run("order", 3, { args: ["shm"], env: { DEEPINV_SHM_MECHANISMS: mechanism } });
      assert.deepEqual(leftovers(), []);
    }
  },
});

Deno.test({
  name: "ranks that are all killed leave nothing behind",
  ignore,
  async fn() {
    for (const mechanism of ["memfd", "file"]) {
      const running = spawnRanks(WORKER, 2, {
        args: ["forever", "shm"],
        env: { DEEPINV_SHM_MECHANISMS: mechanism },
      });
      const reader = running.children[0].stdout.getReader();
      await reader.read();
      reader.releaseLock();
      for (const child of running.children) child.kill("SIGKILL");
      await Promise.all(running.children.map(async ({ status, stdout, stderr }) => {
        await Promise.all([status, stdout.cancel(), stderr.cancel()]);
      }));
      assert.deepEqual(leftovers(), []);
    }
  },
});

Deno.test({
  name: "without any mechanism ranks use tcp and say so once, or fail if shared memory is a must",
  ignore,
  async fn() {
    const env = { DEEPINV_SHM_MECHANISMS: "none" };
    const results = await run("ordinary", 3, { env });
    assert.match(results[0].stderr, /^rank 0: the ranks of host \S+ use tcp: no shared memory \(memfd: /);
    assert.deepEqual(results.slice(1).map(({ stderr }) => stderr), ["", ""]);
    for (const { code, stderr } of await spawnRanks(WORKER, 2, { args: ["", "shm"], env }).finish()) {
      assert.notEqual(code, 0);
      assert.match(stderr, /Cannot connect: transport must be "auto" or "tcp" where not all ranks can share/);
    }
  },
});

Deno.test({
  name: "ranks that may not load the C library use tcp and say so once",
  ignore,
  async fn() {
    const wrap = (_rank: number, command: string[]) =>
      command.flatMap((word) => word === "-A" ? ["-A", "--deny-ffi=libc.so.6"] : [word]);
    const results = await run("ordinary", 2, { wrap });
    assert.match(results[0].stderr, /^rank 0: the ranks of host \S+ use tcp: no shared memory \(.*libc/);
    assert.equal(results[1].stderr, "");
  },
});

Deno.test({
  name: "a choice in the environment holds where the script makes none",
  ignore,
  async fn() {
    const results = await run("mappings", 2, { env: { DEEPINV_TRANSPORT: "tcp" } });
    for (const { stdout } of results) assert.equal(JSON.parse(stdout).segments, 0);
  },
});
