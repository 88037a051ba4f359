import assert from "node:assert/strict";
import { connect, createProcessGroup, GroupClosedError, resolveProcess } from "../../src/comm/mod.ts";
import { addonFolders } from "../../src/comm/libzmq.ts";
import { decodeObject, encodeObject } from "../../src/comm/object_codec.ts";
import { divideInto, reduceInto, type ReduceOp } from "../../src/comm/reduce_ops.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";

const SINGLE = resolveProcess({});

Deno.test("a single process communicates with itself, without FFI, network or environment", async () => {
  const code = `
    import { createProcessGroup, resolveProcess } from "${new URL("../../src/comm/mod.ts", import.meta.url)}";
    await using group = await createProcessGroup(resolveProcess({}));
    await group.barrier();
    console.log((await group.allReduce(new Float32Array([2]), { op: "avg" }))[0]);`;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--config", config, "--ext=ts", "-"],
    ...{ stdin: "piped", stdout: "piped", stderr: "piped" },
  });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  const { stdout, stderr } = await child.output();
  assert.equal(new TextDecoder().decode(stdout), "2\n", new TextDecoder().decode(stderr));
});

Deno.test("a world of one returns the input's value", async () => {
  await using group = await createProcessGroup(SINGLE);
  const x = new Int32Array([1, 2]);
  assert.equal(await group.allReduce(x), x);
  assert.equal(await group.broadcast(x, 0), x);
  assert.equal(await group.reduce(x, 0, { op: "max" }), x);
  assert.deepEqual(await group.allGather(x), [x]);
  assert.deepEqual(await group.gather(x, 0), [x]);
  assert.deepEqual(await group.scatter([x], 0), x);
  assert.deepEqual(await group.reduceScatter([x]), x);
  assert.deepEqual(await group.allToAll([x]), [x]);
  assert.deepEqual(await group.allGatherObject({ a: 1 }), [{ a: 1 }]);
  assert.deepEqual(await group.gatherObject({ a: 1 }, 0), [{ a: 1 }]);
  assert.deepEqual(await group.broadcastObject("x", 0), "x");
  const sub = await group.newGroup([0]);
  assert.deepEqual(sub.ranks, [0]);
});

Deno.test("a world of one that is closed refuses its calls, as a larger one", async () => {
  const group = await createProcessGroup(SINGLE);
  const alone = await group.newGroup([0]);
  await group.close();
  const x = new Float32Array(1);
  const calls: [string, Promise<unknown>][] = [
    ["allReduce", group.allReduce(x)],
    ["barrier", alone.barrier()],
    ["broadcastObject", group.broadcastObject("x", 0)],
    ["allGatherObject", group.allGatherObject("x")],
    ["gatherObject", alone.gatherObject("x", 0)],
  ];
  for (const [operation, call] of calls) {
    await assert.rejects(call, (error) => error instanceof GroupClosedError && error.operation === operation);
  }
});

Deno.test("arguments that cannot be used are named", async () => {
  await using group = await createProcessGroup(SINGLE);
  const x = new Float32Array(1);
  const cases: [Promise<unknown>, RegExp][] = [
    [group.allReduce([1] as never), /Cannot allReduce: x must be a typed array/],
    [group.allReduce(new Uint8ClampedArray(1) as never), /got Uint8ClampedArray/],
    [group.allReduce(x, { op: "mean" as ReduceOp }), /op must be one of sum, avg, min, max, prod, got mean/],
    [group.broadcast(x, 1), /src must be one of the group's ranks 0, got 1/],
    [group.scatter([], 0), /one entry for each of 1 ranks, got 0 entries/],
    [group.send(x, 0), /dst must be another rank/],
    [group.send(x, 0, 0.5), /./],
    [group.barrier({ timeout: 0 }), /timeout must be a positive number/],
    [group.newGroup([]), /at least one rank/],
    [group.newGroup([2]), /got 2/],
    [connect({ transport: "mpi" as "tcp" }), /transport must be "auto" or "tcp" or "shm", got mpi/],
    [connect({ timeout: -1 }), /timeout must be a positive number/],
  ];
  for (const [work, message] of cases) {
    await assert.rejects(work, (error: Error) => {
      assert.ok(error instanceof InvalidArgumentError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("reductions follow IEEE 754 and integer arithmetic", () => {
  const floats = new Float32Array([NaN, 1, -0, Infinity]);
  reduceInto("max", floats, new Float32Array([1, NaN, 0, 2]));
  assert.deepEqual([...floats], [NaN, NaN, 0, Infinity]);
  const integers = new Int32Array([2 ** 31 - 1, 123456789]);
  reduceInto("prod", integers, new Int32Array([3, 987654321]));
  assert.deepEqual([...integers], [2147483645, Math.imul(123456789, 987654321)]);
  const big = new BigUint64Array([2n ** 63n]);
  reduceInto("sum", big, big.slice());
  assert.equal(big[0], 0n);
  const mean = new Int32Array([7]);
  assert.throws(
    () => divideInto(mean, new Float64Array([3]), 2, "allReduce"),
    /whole in every element, got 3 \/ 2/,
  );
  assert.equal(mean[0], 7, "nothing is written when a mean is not whole");
});

Deno.test("objects survive encoding, shared buffers and cycles included", () => {
  const buffer = new ArrayBuffer(16);
  const value: Record<string, unknown> = { a: new Float32Array(buffer, 4, 2), b: new Uint8Array(buffer) };
  value.self = value;
  value.list = [undefined, null, -0, 1n, , new Date(3), /x/g, new Map([[{}, new Set(["é"])]])];
  const copy = decodeObject(encodeObject(value)) as typeof value;
  assert.equal(copy.self, copy);
  assert.equal((copy.a as Float32Array).buffer, (copy.b as Uint8Array).buffer);
  assert.deepEqual(copy.list, value.list);
  for (const bad of [() => 1, Symbol("x"), new URL("http://x"), { deep: [new WeakMap()] }]) {
    assert.throws(() => encodeObject(bad), InvalidArgumentError);
  }
});

Deno.test("bytes that are no object are an error", () => {
  const good = encodeObject({ a: [1, 2, new Map([[1, "x"]])], b: new Float32Array(3) });
  assert.throws(() => decodeObject(new Uint8Array(0)), InvalidArgumentError);
  for (let length = 1; length < good.length; length++) {
    try {
      decodeObject(good.slice(0, length));
    } catch (error) {
      assert.ok(error instanceof InvalidArgumentError);
    }
  }
});

Deno.test("the package's addon is looked for where it lies on each platform", () => {
  assert.deepEqual(addonFolders("linux", "x86_64")[0], "build/linux/x64/node/glibc-127-Release/addon.node");
  assert.deepEqual(addonFolders("linux", "aarch64")[1], "build/linux/arm64/node/musl-127-Release/addon.node");
  assert.deepEqual(
    addonFolders("darwin", "aarch64")[0],
    "build/darwin/arm64/node/libc-115-Release/addon.node",
  );
});

Deno.test("a libzmq that cannot be loaded is an error that says where was looked", async () => {
  const code = `
    import { connect } from "${new URL("../../src/comm/mod.ts", import.meta.url)}";
    await connect();`;
  const { stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    env: {
      ...{ RANK: "0", WORLD_SIZE: "2", MASTER_ADDR: "127.0.0.1", MASTER_PORT: "29999" },
      DEEPINV_LIBZMQ: "/no",
    },
    ...{ stdout: "piped", stderr: "piped" },
  }).output();
  assert.match(new TextDecoder().decode(stderr), /Cannot load libzmq: looked in\n {2}\/no: /);
});
