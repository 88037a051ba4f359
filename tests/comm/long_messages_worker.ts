/** Long point-to-point messages; the first argument says what is checked. Run by long_messages_test.ts. */

import assert from "node:assert/strict";
import { connect, type ProcessGroup } from "../../src/comm/mod.ts";

const [scenario, transport] = Deno.args;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Content that says who sent which message, and where in it each word is. */
function made(length: number, seed: number): Uint32Array {
  const array = new Uint32Array(length);
  for (let i = 0; i < length; i++) array[i] = Math.imul(i + 1, 2654435761) + seed;
  return array;
}

function check(array: unknown, length: number, seed: number): void {
  assert.ok(array instanceof Uint32Array && array.length === length, `message ${seed}`);
  for (let i = 0; i < length; i++) {
    if (array[i] !== (Math.imul(i + 1, 2654435761) + seed) >>> 0) assert.fail(`message ${seed} at ${i}`);
  }
}

/** Everybody sends to the next rank before it receives from the one before. */
async function cycle(group: ProcessGroup, length: number): Promise<void> {
  const { rank, size } = group;
  const [next, previous] = [(rank + 1) % size, (rank + size - 1) % size];
  for (let round = 0; round < 2; round++) {
    const sent = group.send(made(length, rank + round), next);
    check(await group.recv(previous), length, previous + round);
    await sent;
  }
}

/** Many messages of all lengths under several tags at once, both ways, received in another order. */
async function tags(group: ProcessGroup): Promise<void> {
  const { rank } = group;
  const lengthOf = (k: number) => k % 5 === 0 ? 200_000 + 70_001 * (k % 11) : (k * 7919) % 30_000;
  for (const other of group.ranks) {
    if (other === rank) continue;
    const sends = Array.from({ length: 60 }, (_, k) => {
      return group.send(made(lengthOf(k), 1000 * rank + k), other, k % 6);
    });
    const receives = [4, 1, 5, 0, 3, 2].map(async (tag) => {
      for (let k = tag; k < 60; k += 6) check(await group.recv(other, tag), lengthOf(k), 1000 * other + k);
    });
    await Promise.all([...sends, ...receives]);
  }
}

/** Rank 0 sends; what it and the others see of a failure in the middle. */
async function broken(group: ProcessGroup): Promise<void> {
  const long = new Uint8Array(256 << 20);
  const started = performance.now();
  if (scenario === "killed" && group.rank === 1) setTimeout(() => Deno.kill(Deno.pid, "SIGKILL"), 60);
  if (scenario === "bystander" && group.rank === 2) setTimeout(() => Deno.exit(3), 60);
  let since = 0;
  try {
    if (group.rank === 0) {
      for (;;) {
        since = performance.now();
        await group.send(long, 1, 0, { timeout: scenario === "stuck" ? 700 : 20_000 });
      }
    }
    for (let k = 0; group.rank === 1; k++) {
      const received = group.recv(0);
      if (scenario === "stuck" && k === 0) {
        await pause(30);
        const until = performance.now() + 2500;
        while (performance.now() < until);
      }
      await received;
    }
    await group.barrier();
  } catch (caught) {
    const { name, ranks, message } = caught as Error & { ranks: number[] };
    const now = performance.now();
    console.log(JSON.stringify({ name, ranks, message, ms: now - started, call: now - since }));
  }
}

await using group = await connect({ timeout: 20_000, transport: transport as "auto" });
if (scenario === "cycle") {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  const length = Number(Deno.args[2]);
  await cycle(group, length);
  clearInterval(timer);
  console.log(JSON.stringify({ longest }));
} else if (scenario === "tags") await tags(group);
else {
  await group.barrier();
  await broken(group);
}
