import assert from "node:assert/strict";
import { Arena } from "../../src/compute/cpu/arena.ts";
import { OutOfMemoryError } from "../../src/compute/errors.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";

Deno.test("blocks are aligned, disjoint, and never at address 0", () => {
  const arena = new Arena();
  const sizes = [0, 1, 4, 64, 65, 1000, 4096];
  const blocks = sizes.map((size) => ({ size, address: arena.allocate(size)! }));
  blocks.sort((a, b) => a.address - b.address);
  assert.ok(blocks[0].address > 0);
  for (const [i, { address, size }] of blocks.entries()) {
    assert.equal(address % 64, 0);
    if (i + 1 < blocks.length) assert.ok(address + Math.max(size, 1) <= blocks[i + 1].address);
  }
  for (const { address, size } of blocks) arena.release(address, size);
  assert.deepEqual([arena.live, arena.pooled], [0, 0]);
  assert.ok(arena.peak > 5000);
});

Deno.test("gaps are reused and joined", () => {
  const arena = new Arena();
  const [a, b, c, d] = [1024, 2048, 1024, 64].map((bytes) => arena.allocate(bytes)!);
  arena.release(a, 1024);
  arena.release(c, 1024);
  assert.equal(arena.pooled, 2048);
  arena.release(b, 2048);
  assert.equal(arena.allocate(4096), a, "three neighbours make one gap");
  arena.release(a, 4096);
  arena.release(d, 64);
  assert.equal(arena.pooled, 0, "nothing is held once all is released");
});

Deno.test("the best fitting gap is taken", () => {
  const arena = new Arena();
  const blocks = [4096, 64, 512, 64].map((bytes) => arena.allocate(bytes)!);
  arena.release(blocks[0], 4096);
  arena.release(blocks[2], 512);
  assert.equal(arena.allocate(512), blocks[2]);
  assert.equal(arena.allocate(4096), blocks[0]);
});

Deno.test("a thousand rounds of mixed sizes do not grow the memory", () => {
  const arena = new Arena();
  const round = (seed: number) => {
    const sizes = Array.from({ length: 20 }, (_, i) => 4 * ((i * 7919 + seed * 104729) % 50000));
    const held = sizes.map((bytes) => ({ bytes, address: arena.allocate(bytes)! }));
    held.sort((a, b) => ((a.bytes * 31) % 97) - ((b.bytes * 31) % 97));
    for (const { bytes, address } of held) arena.release(address, bytes);
  };
  const persistent = arena.allocate(12345)!;
  for (let i = 0; i < 1000; i++) round(i);
  assert.ok(arena.memory.buffer.byteLength <= 16 << 20);
  arena.release(persistent, 12345);
  assert.deepEqual([arena.live, arena.pooled], [0, 0]);
});

Deno.test("views taken before the memory grows stay valid", () => {
  const arena = new Arena();
  const address = arena.allocate(16)!;
  const before = arena.view(address, 4).fill(1);
  const held = arena.memory.buffer.byteLength;
  const big = arena.allocate(held + 1)!;
  assert.ok(arena.memory.buffer.byteLength > held);
  before[2] = 7;
  assert.equal(arena.view(address, 4)[2], 7);
  assert.ok(arena.owns(before) && arena.owns(arena.view(big, 4)));
  assert.ok(!arena.owns(new Float32Array(4)));
  assert.ok(!arena.owns(new Arena().view(64, 4)));
});

Deno.test("a full arena says so", () => {
  const arena = new Arena(1 << 20);
  const address = arena.allocate(1 << 20)!;
  assert.equal(arena.allocate(1), undefined);
  assert.throws(
    () => arena.reserve(10),
    (error) => error instanceof OutOfMemoryError && error.requested === 10 && error.budget === 1 << 20,
  );
  arena.release(address, 1 << 20);
  assert.equal(arena.allocate(1 << 20), address);
  assert.equal(new Arena().allocate(2 ** 33), undefined);
});

Deno.test("borrowed memory comes back, also after an error", () => {
  const arena = new Arena();
  assert.equal(arena.borrow(100, () => arena.live), 128);
  assert.throws(() =>
    arena.borrow(100, () => {
      throw new Error("inside");
    }), /inside/);
  assert.equal(arena.live, 0);
});

Deno.test("what is not allocated cannot be released", () => {
  const arena = new Arena();
  const address = arena.allocate(256)!;
  assert.throws(() => arena.release(address + 64, 192), InvalidArgumentError);
  assert.throws(() => arena.release(address, 512), InvalidArgumentError);
  arena.release(address, 256);
  assert.throws(() => arena.release(address, 256), InvalidArgumentError);
  assert.throws(() => new Arena(0), InvalidArgumentError);
});
