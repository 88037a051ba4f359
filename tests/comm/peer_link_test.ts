import assert from "node:assert/strict";
import type { Failure } from "../../src/comm/errors.ts";
import {
  EAGER_BUDGET,
  EAGER_BYTES,
  type FrameWriter,
  PeerLink,
  WINDOW,
} from "../../src/comm/transport/peer_link.ts";
import { EAGER, type Envelope, type Frame, Kind, MAX_PAYLOAD } from "../../src/comm/wire.ts";

const ENVELOPE: Envelope = {
  ...{ group: 0, sequence: 0, step: 0, tag: 0, operation: 1, dtype: 7, reduceOp: 0, root: -1, count: -1 },
};

/** Two links back to back; frames wait in a queue until they are delivered. */
function pair(): {
  ends: [PeerLink, PeerLink];
  failures: Failure[];
  deliver(): number;
  queue: { to: number; frame: Frame; payload: Uint8Array }[];
} {
  const queue: { to: number; frame: Frame; payload: Uint8Array }[] = [];
  const failures: Failure[] = [];
  let current = new Uint8Array(0);
  const writer = (from: number): FrameWriter => ({
    write(kind, envelope, fields, payload = new Uint8Array(0)) {
      const { flags = 0, total = 0, offset = 0, consumed = 0 } = fields;
      const frame = { ...envelope, kind, flags, total, offset, consumed, source: from, serial: 0 };
      queue.push({ to: 1 - from, frame: { ...frame, payload: payload.length }, payload: payload.slice() });
      return true;
    },
    post: () => false,
    pieceBytes: () => MAX_PAYLOAD,
    hasRoom: () => true,
    read(into) {
      if (into.length !== current.length) return false;
      into.set(current);
      return true;
    },
    fail: (failure) => failures.push(failure),
  });
  const ends: [PeerLink, PeerLink] = [new PeerLink(1, writer(0)), new PeerLink(0, writer(1))];
  const deliver = (): number => {
    let frames = 0;
    for (let next = queue.shift(); next !== undefined; next = queue.shift(), frames++) {
      current = next.payload as Uint8Array<ArrayBuffer>;
      const failure = ends[next.to].handle(next.frame);
      if (failure !== undefined) failures.push(failure);
    }
    return frames;
  };
  return { ends, failures, deliver, queue };
}

Deno.test("a long message arrives whole, with no more than a window under way", async () => {
  const { ends: [a, b], deliver, queue, failures } = pair();
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const long = new Uint8Array(3 * WINDOW + 17);
  for (let at = 0; at < long.length; at += sent.length) long.set(sent.subarray(0, long.length - at), at);
  const sending = a.send(ENVELOPE, long);
  deliver();
  assert.ok(a.hasUnsent, "without a receiver nothing but the announcement leaves");
  const into = new Uint8Array(long.length);
  const receiving = b.receive(ENVELOPE, into);
  const grant = queue.shift()!;
  assert.equal(grant.frame.kind, Kind.Grant);
  assert.equal(a.handle(grant.frame), undefined);
  const underWay = queue.reduce((sum, { payload }) => sum + payload.length, 0);
  assert.equal(underWay, WINDOW);
  assert.ok(queue.every(({ payload }) => payload.length <= MAX_PAYLOAD));
  deliver();
  await Promise.all([sending, receiving]);
  assert.deepEqual(into, long);
  assert.deepEqual(failures, []);
});

Deno.test("short messages stop leaving unasked when the peer does not read, and go on when it does", async () => {
  const { ends: [a, b], deliver, queue } = pair();
  const message = new Uint8Array(EAGER_BYTES).fill(1);
  const count = 2 * Math.ceil(EAGER_BUDGET / EAGER_BYTES);
  const sends = Array.from({ length: count }, (_, sequence) => a.send({ ...ENVELOPE, sequence }, message));
  const unasked = queue.reduce((sum, { payload }) => sum + payload.length, 0);
  assert.ok(unasked > EAGER_BUDGET / 2 && unasked <= EAGER_BUDGET);
  deliver();
  for (let sequence = 0; sequence < count; sequence++) {
    const received = b.receive({ ...ENVELOPE, sequence });
    deliver();
    assert.equal((await received).bytes.length, message.length);
  }
  await Promise.all(sends);
});

Deno.test("a grant that comes before the message is not lost", async () => {
  const { ends: [a, b], deliver } = pair();
  const into = new Uint8Array(EAGER_BYTES + 1);
  const receiving = b.receive(ENVELOPE, into);
  deliver();
  await a.send(ENVELOPE, new Uint8Array(EAGER_BYTES + 1).fill(5));
  deliver();
  await receiving;
  assert.ok(into.every((byte) => byte === 5));
});

Deno.test("a peer that breaks the rules is a failure, not a crash", () => {
  const base = { ...ENVELOPE, flags: 0, source: 0, serial: 0, consumed: 0, kind: Kind.Data };
  const frames: Frame[] = [
    { ...base, total: 100, offset: 50, payload: 10 },
    { ...base, total: 2 ** 50, offset: 0, payload: MAX_PAYLOAD },
    { ...base, flags: EAGER, total: MAX_PAYLOAD, offset: 0, payload: MAX_PAYLOAD },
    { ...base, kind: Kind.Credit, total: 0, offset: 0, payload: 0, consumed: 5 },
  ];
  for (const frame of frames) {
    const { ends: [, b] } = pair();
    assert.equal(b.handle(frame)?.kind, "rank");
  }
  const { ends: [, b] } = pair();
  void b.receive(ENVELOPE).catch(() => {});
  assert.match(
    b.handle({ ...base, total: 2 ** 52, offset: 0, payload: 0 })!.detail,
    /do not fit into memory/,
  );
});

Deno.test("a message of another size than expected is a mismatch", () => {
  const { ends: [a, b], deliver, failures } = pair();
  void a.send(ENVELOPE, new Uint8Array(10));
  void b.receive(ENVELOPE, new Uint8Array(12)).catch(() => {});
  deliver();
  assert.equal(failures[0].kind, "mismatch");
  assert.match(failures[0].detail, /rank 0 sent 10 bytes where 12 were expected/);
});
