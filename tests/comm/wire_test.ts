import assert from "node:assert/strict";
import {
  decodeHeader,
  EAGER,
  encodeHeader,
  type Frame,
  FrameError,
  HEADER_BYTES,
  Kind,
  matchKey,
  MAX_PAYLOAD,
} from "../../src/comm/wire.ts";

const FRAME: Frame = {
  ...{
    kind: Kind.Data,
    flags: 0,
    source: 3,
    total: 2 ** 40,
    offset: 2 ** 33,
    payload: 1000,
    serial: 7,
    consumed: 9,
  },
  ...{ group: 2, sequence: 2 ** 52, step: 0xffff_ff00, tag: -5, operation: 2, dtype: 1, reduceOp: 1 },
  ...{ root: -1, count: 2 ** 45 },
};

function encoded(change: Partial<Frame> = {}): DataView<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  encodeHeader(view, { ...FRAME, ...change });
  return view;
}

Deno.test("a frame header survives encoding", () => {
  assert.deepEqual(decodeHeader(encoded(), HEADER_BYTES), FRAME);
});

Deno.test("every malformed header is an error value", () => {
  const cases: [string, Partial<Frame>][] = [
    ["frame kind", { kind: 0 }],
    ["frame kind", { kind: 200 }],
    ["operation code", { operation: 99 }],
    ["dtype code", { dtype: 12 }],
    ["reduce operator", { reduceOp: 6 }],
    ["flags", { flags: 2 }],
    ["root", { root: -2 }],
    ["safe integer", { sequence: 0.5 }],
    ["safe integer", { total: -1 }],
    ["safe integer", { offset: NaN }],
    ["safe integer", { consumed: Infinity }],
    ["safe integer", { count: 2 ** 53 }],
    ["payload of", { payload: MAX_PAYLOAD + 1 }],
    ["past the end", { offset: 2 ** 40 - 999 }],
    ["incomplete eager", { flags: EAGER, offset: 0 }],
  ];
  for (const [reason, change] of cases) {
    const result = decodeHeader(encoded(change), HEADER_BYTES);
    assert.ok(result instanceof FrameError, JSON.stringify(change));
    assert.match(result.reason, new RegExp(reason));
  }
  assert.ok(decodeHeader(encoded(), HEADER_BYTES - 1) instanceof FrameError);
  for (const at of [0, 4, 10]) {
    const view = encoded();
    view.setUint8(at, view.getUint8(at) ^ 0x40);
    assert.ok(decodeHeader(view, HEADER_BYTES) instanceof FrameError, `byte ${at}`);
  }
});

Deno.test("mutated and random headers never throw, and what is accepted is in range", () => {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const good = new Uint8Array(encoded().buffer);
  let seed = 12345;
  const random = (n: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n;
  let accepted = 0;
  for (let round = 0; round < 100_000; round++) {
    bytes.set(good);
    const changes = round % 10 === 0 ? HEADER_BYTES : 1 + random(4);
    for (let change = 0; change < changes; change++) bytes[5 + random(HEADER_BYTES - 5)] = random(256);
    const frame = decodeHeader(view, HEADER_BYTES);
    if (frame instanceof FrameError) continue;
    accepted++;
    assert.ok(frame.payload <= MAX_PAYLOAD && frame.kind >= 1 && frame.kind <= Kind.LastWords);
    assert.ok(Number.isSafeInteger(frame.total) && frame.total >= 0);
    if (frame.kind === Kind.Data) assert.ok(frame.offset + frame.payload <= frame.total);
  }
  assert.ok(accepted > 1000, "the mutations must not all be refused by one check");
});

Deno.test("messages meet by tag between two ranks and by step inside a collective", () => {
  assert.equal(matchKey({ ...FRAME, tag: 1 }), matchKey({ ...FRAME, tag: 2 }));
  assert.notEqual(matchKey({ ...FRAME, step: 1 }), matchKey({ ...FRAME, step: 2 }));
  const send = { ...FRAME, operation: 1 };
  assert.notEqual(matchKey({ ...send, tag: 1 }), matchKey({ ...send, tag: 2 }));
  assert.notEqual(matchKey({ ...send, group: 1 }), matchKey({ ...send, group: 0 }));
});
