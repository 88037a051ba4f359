/** Ranks on three hosts, each a network namespace with an address and a name of its own. Linux, root. */

import assert from "node:assert/strict";
import { type RankResult, spawnRanks } from "../comm/spawn_ranks.ts";
import { ensureCommands } from "../cluster/packages.ts";
import { canMakeHosts, NetworkHosts } from "../launch/network_hosts.ts";

const HOSTS = 3;
const KEY = "5ec4e7".padEnd(64, "0");
const ignore = Deno.env.get("DEEPINV_SKIP_NETNS") === "1";

async function makeHosts(): Promise<NetworkHosts> {
  const packages = ["iproute2", "util-linux", "iptables"];
  await ensureCommands(["ip", "unshare", "iptables"], packages, "DEEPINV_SKIP_NETNS");
  if (canMakeHosts()) return new NetworkHosts(HOSTS);
  throw new Error(
    "Cannot make hosts: this test needs Linux and root; DEEPINV_SKIP_NETNS=1 leaves it out",
  );
}

function start(hosts: NetworkHosts, script: string, perHost: number, args: string[] = []) {
  return spawnRanks(script, HOSTS * perHost, {
    args,
    env: { MASTER_ADDR: hosts.address(0), DEEPINV_JOB_KEY: KEY },
    wrap: (rank, command) => hosts.on(Math.floor(rank / perHost), command),
  });
}

function checkSuccess(results: readonly RankResult[]): void {
  for (const { rank, code, stderr } of results) assert.deepEqual([code, stderr], [0, ""], `rank ${rank}`);
}

Deno.test({
  name: "three hosts: every collective, encrypted",
  ignore,
  async fn() {
    using hosts = await makeHosts();
    checkSuccess(await start(hosts, "collectives_worker.ts", 1, ["60000"]).finish());
  },
});

Deno.test({
  name: "three hosts with two ranks each: every collective, through shared memory inside the hosts",
  ignore,
  async fn() {
    using hosts = await makeHosts();
    checkSuccess(await start(hosts, "collectives_worker.ts", 2, ["30000"]).finish());
  },
});

Deno.test({
  name: "three hosts: a cut link raises RankFailedError that names the ranks behind it, within 3 s",
  ignore,
  async fn() {
    using hosts = await makeHosts();
    const running = start(hosts, "../faults/fault_worker.ts", 2, ["-1"]);
    // Time to meet; a link that is cut too early would be a timeout.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    hosts.setLink(2, "down");
    const cut = Date.now();
    const seen = (await running.finish()).map(({ rank, stdout, stderr }) => {
      const last = stdout.trim().split("\n").at(-1)!;
      assert.ok(last.includes("noticed"), `rank ${rank}: ${stdout}${stderr}`);
      return JSON.parse(last);
    });
    for (const { rank, name, message, ranks, noticed } of seen) {
      assert.equal(name, "RankFailedError", message);
      assert.ok(noticed - cut <= 3500, `rank ${rank} noticed after ${noticed - cut} ms`);
      if (rank < 4) {
        assert.deepEqual(ranks, [4, 5], `rank ${rank}: ${message}`);
        assert.match(message, /rank 4 \(host host2, pid \d+\) failed/);
      } else assert.ok(ranks.length > 0 && ranks.every((other: number) => other < 4), message);
    }
  },
});

Deno.test({
  name: "three hosts: a network that drops one packet in twenty makes nothing wrong",
  ignore,
  async fn() {
    using hosts = await makeHosts();
    const onEach = (command: string[]): string[] =>
      Array.from({ length: HOSTS }, (_, host) => {
        const [program, ...args] = hosts.on(host, ["iptables", ...command]);
        const { success, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
        assert.ok(success, `iptables: ${new TextDecoder().decode(stderr)}`);
        return new TextDecoder().decode(stdout);
      });
    onEach(["-A", "INPUT", "-m", "statistic", "--mode", "random", "--probability", "0.05", "-j", "DROP"]);
    checkSuccess(await start(hosts, "../faults/lossy_worker.ts", 1).finish(60_000));
    const dropped = onEach(["-L", "INPUT", "-v", "-x", "-n"]).map((table) =>
      /^ *(\d+) .* DROP /m.exec(table)?.[1]
    );
    assert.ok(dropped.every((packets) => Number(packets) > 5), `packets dropped per host: ${dropped}`);
  },
});
