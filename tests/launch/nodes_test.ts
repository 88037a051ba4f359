import { deepStrictEqual, match, notStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { parseFlags } from "../../launch/flags.ts";
import { jobToken, newKey, type Nodes, readNodes } from "../../launch/nodes.ts";

const KEY = "0123456789abcdef".repeat(4);

function nodes(line: string, env: Record<string, string> = { DEEPINV_JOB_KEY: KEY }): Nodes {
  return readNodes(parseFlags([...line.split(" ").filter((word) => word !== ""), "s.ts"], env), env);
}

const meeting = ({ masterAddr, masterPort }: Nodes) => [masterAddr, masterPort];

Deno.test("nodes: one host meets on its loopback at any port, or where it is told", () => {
  const alone = nodes("", {});
  strictEqual(alone.count, 1);
  deepStrictEqual(meeting(alone), ["127.0.0.1", null]);
  deepStrictEqual(meeting(nodes("--master-port 4000", {})), ["127.0.0.1", 4000]);
  deepStrictEqual(meeting(nodes("--rdzv-endpoint localhost:0", {})), ["localhost", null]);
});

Deno.test("nodes: several hosts meet at host 0", () => {
  const third = nodes("--nnodes 3 --node-rank 2 --master-addr 10.0.0.1 --master-port 4000");
  strictEqual(third.count, 3);
  strictEqual(third.rank, 2);
  deepStrictEqual(meeting(third), ["10.0.0.1", 4000]);
  deepStrictEqual(meeting(nodes("--nnodes 2 --node-rank 0 --rdzv-endpoint node0:4000")), ["node0", 4000]);
  deepStrictEqual(meeting(nodes("--nnodes 2 --node-rank 0 --rdzv-endpoint [fe80::1]:4000")), [
    "fe80::1",
    4000,
  ]);
  deepStrictEqual(meeting(nodes("--nnodes 2 --node-rank 0 --master-addr node0")), ["node0", 29500]);
});

Deno.test("nodes: the port follows from the job's name", () => {
  const port = (id: string) =>
    nodes(`--nnodes 2 --node-rank 0 --rdzv-endpoint node0 --rdzv-id ${id}`).masterPort!;
  strictEqual(port("a"), port("a"));
  notStrictEqual(port("a"), port("b"));
  ok(port("a") > 1023 && port("a") < 32768);
});

Deno.test("nodes: a flag on the command line silences twins that it replaces", () => {
  const env = {
    DEEPINV_JOB_KEY: KEY,
    DEEPINV_RUN_NNODES: "2",
    DEEPINV_RUN_NODE_RANK: "1",
    DEEPINV_RUN_MASTER_ADDR: "10.0.0.1",
    DEEPINV_RUN_MASTER_PORT: "4000",
  };
  deepStrictEqual(meeting(nodes("", env)), ["10.0.0.1", 4000]);
  deepStrictEqual(meeting(nodes("--rdzv-endpoint node5:5000", env)), ["node5", 5000]);
  const alone = nodes("--standalone", env);
  deepStrictEqual([alone.count, alone.rank, ...meeting(alone)], [1, 0, "127.0.0.1", null]);
  strictEqual(nodes("--standalone --nnodes 1", env).count, 1);
});

Deno.test("nodes: what cannot work is refused", () => {
  for (
    const [line, message] of [
      ["--nnodes 0", /--nnodes must be a whole number from 1 to 4096, got "0"/],
      ["--nnodes 1:4", /--nnodes must be a whole number/],
      ["--nnodes 2 --master-addr h", /--node-rank must be given with --nnodes 2/],
      ["--nnodes 2 --node-rank 2 --master-addr h", /--node-rank must be a whole number from 0 to 1, got "2"/],
      ["--node-rank 1", /--node-rank must be 0, got "1"/],
      ["--nnodes 2 --node-rank 0", /--master-addr must be given with --nnodes 2/],
      ["--nnodes 2 --node-rank 0 --master-addr 0.0.0.0", /--master-addr must be the address of one host/],
      ["--nnodes 2 --node-rank 0 --master-addr ::", /--master-addr must be the address/],
      ["--nnodes 2 --node-rank 0 --master-addr a,b", /--master-addr must be the address/],
      [
        "--nnodes 2 --node-rank 0 --master-addr h --master-port 0",
        /--master-port must be a whole number from 1/,
      ],
      ["--nnodes 2 --node-rank 0 --master-addr h --master-port 65536", /--master-port must be/],
      ["--nnodes 2 --node-rank 0 --rdzv-endpoint h:x", /--rdzv-endpoint must be HOST:PORT, got "h:x"/],
      ["--nnodes 2 --node-rank 0 --rdzv-endpoint h:0", /the port of --rdzv-endpoint must be/],
      ["--rdzv-endpoint h:1 --master-addr g", /--rdzv-endpoint must be given without --master-addr/],
      [
        "--standalone --nnodes 2 --node-rank 0",
        /--standalone must be given without other hosts, got --nnodes 2/,
      ],
      ["--standalone --master-addr 10.0.0.1", /--standalone must be given without other hosts, got 10.0.0.1/],
    ] as const
  ) throws(() => nodes(line), message, line);
});

Deno.test("nodes: hosts that meet over a network need a key, or the word that anybody may join", () => {
  const line = "--nnodes 2 --node-rank 0 --master-addr 10.0.0.1";
  throws(() => nodes(line, {}), /DEEPINV_JOB_KEY must be set to one key on all hosts .*keygen.*--insecure/);
  throws(() => nodes("--master-addr 10.0.0.1", {}), /DEEPINV_JOB_KEY/);
  strictEqual(nodes(line, { DEEPINV_JOB_KEY: KEY.toUpperCase() }).key, KEY);
  const open = nodes(`${line} --insecure`, {});
  deepStrictEqual([open.key, open.insecure], [null, true]);
  for (const address of ["127.0.0.1", "127.0.1.1", "localhost", "::1"]) {
    strictEqual(nodes(`--nnodes 2 --node-rank 1 --master-addr ${address}`, {}).key, null);
  }
  throws(() => nodes(line, { DEEPINV_JOB_KEY: "short" }), (error: Error) => {
    match(error.message, /DEEPINV_JOB_KEY must be 64 hexadecimal digits.* got 5 characters/);
    return !error.message.includes("short");
  });
});

Deno.test("nodes: keys are fresh", () => {
  match(newKey(), /^[0-9a-f]{64}$/);
  notStrictEqual(newKey(), newKey());
});

Deno.test("nodes: a start's token is the same on all hosts and on no other start", async () => {
  const first = nodes("--nnodes 2 --node-rank 0 --master-addr h --rdzv-id a");
  const second = nodes("--nnodes 2 --node-rank 1 --master-addr h --rdzv-id a");
  const token = await jobToken(first, 0);
  strictEqual(await jobToken(second, 0), token);
  match(token, /^[0-9a-f]{64}$/);
  const open = { ...first, key: null };
  const alone = nodes("", {});
  const others = await Promise.all([
    jobToken(first, 1),
    jobToken({ ...first, jobId: "b" }, 0),
    jobToken({ ...first, key: newKey() }, 0),
    jobToken(open, 0),
    jobToken(open, 1),
    jobToken(alone, 0),
    jobToken(alone, 0),
  ]);
  strictEqual(new Set([token, KEY, ...others]).size, others.length + 2);
  strictEqual(await jobToken({ ...open, rank: 1 }, 0), others[3]);
});
