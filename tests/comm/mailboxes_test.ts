import assert from "node:assert/strict";
import { mailboxBytes, Mailboxes } from "../../src/comm/shm/mailboxes.ts";
import { Kind, NO_ENVELOPE, operationCode } from "../../src/comm/wire.ts";

/** The mailboxes of world ranks `ranks`, each as its rank sees them, in ordinary memory. */
function mailboxesOf(ranks: readonly number[]): Mailboxes[] {
  const bytes = mailboxBytes(ranks.length);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65536) });
  const segment = { memory, buffer: memory.buffer as ArrayBuffer, base: 0, bytes };
  return ranks.map((_, index) => new Mailboxes(segment, 0, ranks, index));
}

const envelope = (sequence: number, tag: number) => ({
  ...NO_ENVELOPE,
  ...{ operation: operationCode("send"), group: 2 ** 32 - 7, sequence, tag, dtype: 3 },
});

Deno.test("messages of all lengths arrive in order, around the end of the ring again and again", () => {
  for (const ranks of [[0, 1], [3, 5, 8, 9, 12, 13, 14, 20, 21, 22, 30, 31]]) {
    const all = mailboxesOf(ranks);
    const [from, to] = [1, ranks.length - 1 === 1 ? 0 : ranks.length - 1];
    let sent = 0, received = 0, full = 0;
    const lengthOf = (sequence: number) => sequence * 7919 % 3001;
    for (let round = 0; round < 300; round++) {
      for (let burst = 0; burst < 1 + round % 80; burst++) {
        const bytes = new Uint8Array(lengthOf(sent)).fill(sent);
        if (all[from].put(ranks[to], envelope(sent, -sent), bytes) === "full") full++;
        else sent++;
      }
      const took = all[to].take((frame, payload) => {
        const { source, sequence, group, tag, dtype, total } = frame;
        assert.deepEqual(
          [source, sequence, group, tag, dtype, total],
          [ranks[from], received, 2 ** 32 - 7, -received || 0, 3, payload.length],
        );
        assert.equal(payload.length, lengthOf(received));
        assert.ok(payload.every((byte) => byte === received % 256));
        received++;
      });
      assert.equal(took, true);
      assert.equal(received, sent);
    }
    assert.equal(full > 0, ranks.length > 2, `${full} messages had no room`);
  }
});

Deno.test("who puts something into the box of a sleeping rank is told so, once", () => {
  const [first, second] = mailboxesOf([0, 1]);
  assert.equal(first.sleep(), true);
  assert.equal(second.put(0, envelope(0, 0), new Uint8Array(5)), "put, asleep");
  assert.equal(second.put(0, envelope(1, 0), new Uint8Array(5)), "put");
  assert.equal(first.sleep(), false);
  assert.equal(second.put(0, envelope(2, 0), new Uint8Array(5)), "put");
  let count = 0;
  first.take(() => count++);
  assert.equal(count, 3);
});

Deno.test("who waits for room for a piece is told when there is some, and does not sleep over it", () => {
  const [first, second] = mailboxesOf([4, 6]);
  const piece = new Uint8Array(first.pieceBytes);
  const fields = { kind: Kind.Data, total: 2 ** 40, consumed: 17 };
  let sent = 0;
  const fill = () => {
    for (; first.hasRoom(6); sent++) {
      piece.fill(sent);
      const put = first.put(6, envelope(5, 9), piece, { ...fields, offset: sent * piece.length });
      assert.notEqual(put, "full");
    }
  };
  fill();
  assert.equal(sent, 4, "pieces in an empty ring");
  assert.deepEqual(first.freed(), []);
  assert.equal(first.sleep(), true);
  let received = 0;
  const woken: number[] = [];
  const take = () =>
    second.take((frame, payload) => {
      const { kind, flags, offset, total, consumed, payload: length } = frame;
      assert.deepEqual([kind, flags, total, consumed, length], [Kind.Data, 0, 2 ** 40, 17, piece.length]);
      assert.equal(offset, received * piece.length);
      assert.ok(payload.every((byte) => byte === received));
      received++;
    }, (rank) => woken.push(rank));
  take();
  assert.deepEqual([received, woken], [4, [4]]);
  first.wake();
  assert.deepEqual([first.freed(), first.freed()], [[6], []]);
  fill();
  take();
  assert.deepEqual(woken, [4], "nobody slept");
  assert.equal(first.sleep(), false, "there is room again");
  assert.equal(mailboxesOf(Array.from({ length: 40 }, (_, rank) => rank))[0].pieceBytes, 0);
});

Deno.test("what has no room, is too long or goes to a stranger is not put anywhere", () => {
  const [first, second] = mailboxesOf([0, 1]);
  assert.equal(first.put(1, envelope(0, 0), new Uint8Array(1 << 20)), "full");
  assert.equal(first.put(7, envelope(0, 0), new Uint8Array(1)), "full");
  assert.equal(second.take(() => assert.fail("nothing was sent")), false);
  assert.equal(mailboxBytes(64), 0);
});
