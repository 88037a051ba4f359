import assert from "node:assert/strict";
import { type Body, type HandshakeHost, Handshakes } from "../../src/comm/transport/handshake.ts";
import { type Frame, Kind, NO_ENVELOPE } from "../../src/comm/wire.ts";

const KEY = 7;
const idle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** One end of a connection: what it says waits in `said`. */
class End implements HandshakeHost {
  readonly said: [kind: number, body: Body][] = [];
  readonly events: string[] = [];
  readonly handshakes: Handshakes;

  constructor(readonly rank: number, secret: string) {
    this.handshakes = new Handshakes(this, secret);
    this.handshakes.info = `"rank ${rank}"`;
  }
  reply(_key: number, kind: number, body: Body): void {
    this.said.push([kind, body]);
  }
  proved(key: number, rank: number, info: string): void {
    this.events.push(`proved ${rank} ${info}`);
    void this.handshakes.welcome(key, this.handshakes.info);
  }
  established(_key: number, rank: number, info: string): void {
    this.events.push(`established ${rank} ${info}`);
  }
  refused(): void {
    this.events.push("refused");
  }
  stranger(reason: string): void {
    this.events.push(reason);
  }
  /** Hears what the other end has said, each frame `times` times, as fast as a socket hands them over. */
  hear(other: End, times: number): void {
    for (const [kind, body] of other.said.splice(0)) {
      const frame = { ...NO_ENVELOPE, kind, source: other.rank, flags: 0, total: 0, offset: 0, payload: 0 };
      const payload = new TextEncoder().encode(JSON.stringify(body));
      for (let time = 0; time < times; time++) {
        void this.handshakes.handle(KEY, { ...frame, serial: 0, consumed: 0 } as Frame, payload);
      }
    }
  }
}

async function converse(connector: End, acceptor: End, times: number): Promise<void> {
  connector.handshakes.hello(KEY, acceptor.rank);
  for (let round = 0; round < 6; round++) {
    acceptor.hear(connector, times);
    await idle();
    connector.hear(acceptor, times);
    await idle();
  }
}

Deno.test("two ranks with one secret come to trust each other, even if every frame comes three times", async () => {
  for (const times of [1, 3]) {
    const [acceptor, connector] = [new End(0, "secret"), new End(1, "secret")];
    await converse(connector, acceptor, times);
    assert.deepEqual(acceptor.events, ['proved 1 "rank 1"', 'established 1 "rank 1"']);
    assert.deepEqual(connector.events, ['established 0 "rank 0"']);
  }
});

Deno.test("an introduction that comes again while the first is being answered changes nothing", async () => {
  const [acceptor, connector] = [new End(0, "secret"), new End(1, "secret")];
  connector.handshakes.hello(KEY, 0);
  acceptor.hear(connector, 5);
  await idle();
  const challenges = new Set(acceptor.said.map(([, body]) => body.nonce));
  assert.ok(acceptor.said.length > 0 && acceptor.said.every(([kind]) => kind === Kind.Challenge));
  assert.equal(challenges.size, 1, "one connection, one challenge");
});

Deno.test("ranks with different secrets do not trust each other", async () => {
  const [acceptor, connector] = [new End(0, "secret"), new End(1, "another")];
  await converse(connector, acceptor, 1);
  assert.deepEqual(connector.events, ["an answer in the name of rank 0 with another job's token"]);
  acceptor.handshakes.broken(KEY);
  assert.deepEqual(acceptor.events, ["somebody in the name of rank 1 left without a proof"]);
});
