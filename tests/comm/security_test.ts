import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { resolveProcess } from "../../src/cluster/resolve_process.ts";
import { decideSecurity } from "../../src/comm/job_security.ts";
import { freePort } from "../../launch/free_port.ts";
import { type RankResult, type RunningRanks, spawnRanks } from "./spawn_ranks.ts";
import { Recorder, type Target, utter, UTTERANCES } from "./strangers.ts";

const KEY = "0123456789abcdef".repeat(4);
const OTHER_KEY = "f".repeat(64);

/** An address of this host that others could reach, where there is one. */
const outside = Object.values(networkInterfaces()).flat().find((address) => {
  return address?.family === "IPv4" && !address.internal;
})?.address;

interface Setting {
  readonly name: string;
  readonly address: string;
  readonly env: Record<string, string>;
  readonly strangersEnv: Record<string, string>;
}

const SETTINGS: Setting[] = [
  {
    name: "in the clear on one host",
    address: "127.0.0.1",
    env: {},
    strangersEnv: { DEEPINV_JOB_TOKEN: "x" },
  },
  {
    name: "encrypted between hosts",
    address: outside ?? "",
    env: { DEEPINV_JOB_KEY: KEY },
    strangersEnv: { DEEPINV_JOB_KEY: OTHER_KEY },
  },
];

/** Ranks of a job that goes on until it is told to end. */
class Job implements Disposable {
  readonly #file = Deno.makeTempFileSync();
  readonly #setting: Setting;
  readonly #running: RunningRanks[] = [];

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  start(port: number, only = [0, 1]): this {
    const env = { MASTER_ADDR: this.#setting.address, ...this.#setting.env };
    const args = ["20000", this.#file];
    this.#running.push(spawnRanks("security_worker.ts", 2, { port, only, env, args }));
    return this;
  }

  async end(): Promise<RankResult[]> {
    Deno.removeSync(this.#file);
    return (await Promise.all(this.#running.map((ranks) => ranks.finish()))).flat();
  }

  [Symbol.dispose](): void {
    if (existsSync(this.#file)) Deno.removeSync(this.#file);
  }
}

/** The job went on as if nothing had happened, and rank 0 said once that somebody was refused. */
function checkUnharmed(results: readonly RankResult[], stranger: string): void {
  for (const { code, stderr } of results) assert.equal(code, 0, `${stranger}: ${stderr}`);
  const warnings = results[0].stderr.match(/^rank 0: refused a connection: .*$/gm) ?? [];
  assert.equal(warnings.length, 1, `${stranger}: ${results[0].stderr}`);
}

async function checkUtterance(setting: Setting, stranger: string, bytes: Uint8Array): Promise<void> {
  const port = freePort("127.0.0.1");
  using job = new Job(setting).start(port);
  await utter({ hostname: setting.address, port }, bytes, 8);
  checkUnharmed(await job.end(), stranger);
}

async function checkReplay(setting: Setting): Promise<void> {
  const target: Target = { hostname: setting.address, port: freePort("127.0.0.1") };
  using recorder = new Recorder(setting.address, target);
  using job = new Job(setting).start(target.port, [0]).start(recorder.port, [1]);
  while (recorder.recorded.length < 2000) await new Promise((resolve) => setTimeout(resolve, 10));
  await utter(target, recorder.recorded, 3);
  checkUnharmed(await job.end(), "a replay");
}

async function checkOtherJob(setting: Setting, env: Record<string, string>): Promise<void> {
  const port = freePort("127.0.0.1");
  using job = new Job(setting).start(port);
  const settings = { MASTER_ADDR: setting.address, ...setting.env, ...env };
  // The job must be there before the stranger gives up.
  await utter({ hostname: setting.address, port }, new Uint8Array(0), 1);
  const stranger = spawnRanks("security_worker.ts", 2, { port, only: [1], args: ["100", ""], env: settings });
  const [refused] = await stranger.finish();
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /rank 0 did not show up/);
  checkUnharmed(await job.end(), "a rank of another job");
}

for (const setting of SETTINGS) {
  Deno.test({
    name: `strangers are refused and the job goes on: ${setting.name}`,
    ignore: setting.address === "",
    async fn() {
      const { strangersEnv } = setting;
      await Promise.all([
        checkOtherJob(setting, strangersEnv),
        checkOtherJob(setting, { ...strangersEnv, DEEPINV_JOB_KEY: "", DEEPINV_INSECURE: "1" }),
        checkReplay(setting),
      ]);
      await Promise.all(
        Object.entries(UTTERANCES).map(([stranger, bytes]) => checkUtterance(setting, stranger, bytes)),
      );
    },
  });
}

const INFO = { ...resolveProcess({}), worldSize: 2, jobToken: "token" };

Deno.test("meeting over a network needs a key, or the word that none is needed", async () => {
  await assert.rejects(
    decideSecurity(INFO, "10.0.0.1", {}),
    /Cannot connect: DEEPINV_JOB_KEY must be set to one key on all hosts .*keygen.* got nothing/,
  );
  const open = await decideSecurity(INFO, "10.0.0.1", { DEEPINV_INSECURE: "1" });
  assert.deepEqual(open, { secret: "token", encryptionKey: undefined });
  const closed = await decideSecurity(INFO, "10.0.0.1", { DEEPINV_JOB_KEY: KEY.toUpperCase() });
  assert.deepEqual(closed.encryptionKey, Uint8Array.fromHex(KEY));
  for (const key of ["short", `${KEY}0`, "g".repeat(64)]) {
    const error = await decideSecurity(INFO, "127.0.0.1", { DEEPINV_JOB_KEY: key }).catch(String);
    assert.match(String(error), /must be 64 hexadecimal digits/);
    assert.ok(!String(error).includes(key), "a key must not be shown");
  }
});

Deno.test("one host needs no encryption, and jobs with another key or token have another secret", async () => {
  const secrets = new Set<string>();
  for (const jobToken of ["a", "b"]) {
    for (const env of [{}, { DEEPINV_JOB_KEY: KEY }, { DEEPINV_JOB_KEY: OTHER_KEY }]) {
      const { secret, encryptionKey } = await decideSecurity({ ...INFO, jobToken }, "127.0.0.1", env);
      assert.equal(encryptionKey, undefined);
      secrets.add(secret);
    }
  }
  assert.equal(secrets.size, 6);
});

Deno.test("without key and token, ranks of one user share a secret that nobody else can read", async () => {
  const folder = await Deno.makeTempDir();
  const info = { ...INFO, jobToken: "" };
  const env = { XDG_RUNTIME_DIR: folder };
  try {
    const found = await Promise.all([1, 2, 3].map(() => decideSecurity(info, "::1", env)));
    assert.match(found[0].secret, /^[0-9a-f]{64} $/);
    assert.deepEqual(found.map(({ secret }) => secret), new Array(3).fill(found[0].secret));
    const open = await decideSecurity({ ...INFO, jobToken: "open:job 7" }, "127.0.0.1", env);
    assert.equal(open.secret, `${found[0].secret}open:job 7`, "the name of a job is no secret");
    await Deno.chmod(`${folder}/deepinv-${Deno.uid()}/secret`, 0o644);
    await assert.rejects(decideSecurity(info, "::1", env), /secret is open to other users/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
