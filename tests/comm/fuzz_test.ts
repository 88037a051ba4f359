import assert from "node:assert/strict";
import { decodeObject, encodeObject } from "../../src/comm/object_codec.ts";
import { type Body, type HandshakeHost, Handshakes } from "../../src/comm/transport/handshake.ts";
import { decodeFailure, decodeInfo, encodeFailure } from "../../src/comm/transport/peer_reports.ts";
import {
  decodeHeader,
  encodeHeader,
  type Frame,
  FrameError,
  HEADER_BYTES,
  Kind,
} from "../../src/comm/wire.ts";
import { MAX_PAYLOAD, NO_ENVELOPE } from "../../src/comm/wire.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";

/** Numbers that are the same in every run (xorshift32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Overwrites, cuts, repeats or inserts bytes of `good` in one to four places. */
function mutate(good: Uint8Array, random: (below: number) => number): Uint8Array<ArrayBuffer> {
  let bytes = new Uint8Array(good);
  for (let change = random(4); change >= 0 && bytes.length > 0; change--) {
    const at = random(bytes.length);
    const how = random(8);
    if (how === 0) bytes = bytes.slice(0, at);
    else if (how === 1) {
      bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(random(at + 1))]);
    } else if (how === 2) bytes[at] = 255;
    else if (how === 3) bytes[at] ^= 1 << random(8);
    else bytes[at] = random(256);
  }
  return bytes;
}

const FRAME: Frame = {
  ...{ kind: Kind.Data, flags: 0, source: 3, total: 2 ** 40, offset: 2 ** 33, payload: 1000, serial: 7 },
  ...{ consumed: 9, group: 2, sequence: 2 ** 52, step: 0xffff_ff00, tag: -5, operation: 2, dtype: 1 },
  ...{ reduceOp: 1, root: -1, count: 2 ** 45 },
};

Deno.test("a million mutated frame headers: errors or frames in range, and nothing else", () => {
  const random = randomNumbers(1);
  const view = new DataView(new ArrayBuffer(HEADER_BYTES));
  const bytes = new Uint8Array(view.buffer);
  const good = new Uint8Array(HEADER_BYTES);
  encodeHeader(new DataView(good.buffer), FRAME);
  let accepted = 0;
  for (let round = 0; round < 1_000_000; round++) {
    bytes.set(good);
    const changes = round % 10 === 0 ? HEADER_BYTES : 1 + random(4);
    // Mostly behind the magic number, which would refuse everything else.
    const from = round % 7 === 0 ? 0 : 5;
    for (let change = 0; change < changes; change++) bytes[from + random(HEADER_BYTES - from)] = random(256);
    const frame = decodeHeader(view, round % 101 === 0 ? random(300) : HEADER_BYTES);
    if (frame instanceof FrameError) continue;
    accepted++;
    const inRange = frame.payload <= MAX_PAYLOAD && frame.kind >= 1 && frame.kind <= Kind.LastWords &&
      [frame.total, frame.offset, frame.sequence, frame.consumed].every((n) =>
        Number.isSafeInteger(n) && n >= 0
      ) &&
      (frame.kind !== Kind.Data || frame.offset + frame.payload <= frame.total);
    if (!inRange) assert.fail(`accepted ${JSON.stringify(frame)}`);
  }
  assert.ok(accepted > 10_000, "the mutations must not all be refused by one check");
});

/** A handshake partner that records what it is asked to do. */
class Host implements HandshakeHost {
  readonly worldSize = 2;
  readonly replies: [kind: number, body: Body][] = [];
  readonly trusted: number[] = [];
  strangers = 0;

  constructor(readonly rank: number) {}
  reply(_key: number, kind: number, body: Body): void {
    this.replies.push([kind, body]);
  }
  proved(_key: number, rank: number): void {
    this.trusted.push(rank);
  }
  established(_key: number, rank: number): void {
    this.trusted.push(rank);
  }
  refused(): void {}
  stranger(): void {
    this.strangers++;
  }
}

Deno.test("mutated handshakes never throw and never make a friend", async () => {
  const encoder = new TextEncoder();
  const random = randomNumbers(2);
  const frameOf = (kind: number, source: number): Frame => ({ ...FRAME, ...NO_ENVELOPE, kind, source });
  const [server, client] = [new Host(0), new Host(1)];
  const [accepting, connecting] = [new Handshakes(server, "secret"), new Handshakes(client, "secret")];
  const bodies: [kind: number, Uint8Array][] = [];
  // One honest handshake up to the proof, which is held back and used as the model of the attacks.
  connecting.hello(1, 0);
  for (const [from, to, source] of [[client, accepting, 1], [server, connecting, 0]] as const) {
    const [kind, body] = from.replies.pop()!;
    const payload = encoder.encode(JSON.stringify(body));
    bodies.push([kind, payload]);
    await to.handle(1, frameOf(kind, source), payload);
  }
  const [kind, proof] = client.replies.pop()!;
  bodies.push([kind, encoder.encode(JSON.stringify(proof))]);
  const values = ["", null, 1e308, [], {}, "\0", "x".repeat(10_000), -1, "__proto__"];
  for (let round = 0; round < 20_000; round++) {
    const [kind, model] = bodies[random(bodies.length)];
    let payload = mutate(model, random);
    if (round % 4 === 0) {
      const body = JSON.parse(new TextDecoder().decode(model));
      const fields = Object.keys(body);
      body[fields[random(fields.length)]] = values[random(values.length)];
      payload = encoder.encode(JSON.stringify(body));
    }
    const asked = round % 3 === 0 ? 1 + random(Kind.Ready) : kind;
    if (payload.length === model.length && payload.every((byte, at) => byte === model[at])) continue;
    await accepting.handle(2 + random(5), frameOf(asked, random(3)), payload);
  }
  assert.deepEqual(server.trusted, []);
  assert.ok(server.strangers > 100);
});

Deno.test("mutated failure reports and introductions decode to something well-formed or to nothing", () => {
  const random = randomNumbers(3);
  const processes = [{ rank: 1, host: "h", pid: 2, ending: "exit code 3" }];
  const failure = {
    kind: "rank",
    operation: "barrier",
    sequence: 3,
    ranks: [1],
    detail: "d",
    processes,
  } as const;
  const good = encodeFailure(failure);
  let decoded = 0;
  for (let round = 0; round < 50_000; round++) {
    const bytes = mutate(good, random);
    const result = decodeFailure(bytes);
    const { host, pid } = decodeInfo(new TextDecoder().decode(bytes));
    assert.ok(typeof host === "string" && typeof pid === "number");
    if (result === undefined) continue;
    decoded++;
    assert.ok(result.ranks.every(Number.isInteger));
  }
  assert.ok(decoded > 1000);
});

Deno.test("mutated objects decode to a value or to an error, in bounded memory, without running code", () => {
  const random = randomNumbers(4);
  const models = [
    { a: [1, "two", 3n, new Date(4)], map: new Map([["k", new Set([1.5])]]), error: new RangeError("e") },
    [new Float32Array([1, 2, 3]), new Uint8Array(5).buffer, undefined, null, /x/g, "\u{1f600}"],
    Object.assign([1, 2], { named: true }),
  ].map(encodeObject);
  let decoded = 0;
  const before = Deno.memoryUsage();
  for (let round = 0; round < 30_000; round++) {
    try {
      decodeObject(mutate(models[round % models.length], random));
      decoded++;
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
    }
  }
  const after = Deno.memoryUsage();
  assert.ok(decoded > 1000);
  const growth = after.rss - before.rss;
  assert.ok(growth < 1e9, `memory grew by ${growth} bytes`);
});

Deno.test("bytes that name functions, accessors or prototypes decode to plain data at most", () => {
  const evil = { toString: "x", then: "y", constructor: { name: "z" } };
  const decoded = decodeObject(encodeObject(evil)) as object;
  assert.equal(Object.getPrototypeOf(decoded), Object.prototype);
  const own = JSON.parse('{"__proto__": {"polluted": true}}');
  decodeObject(encodeObject(own));
  assert.ok(!("polluted" in {}));
});
