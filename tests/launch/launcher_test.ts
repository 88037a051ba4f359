import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { fixture, launch } from "./launcher.ts";

interface Report {
  env: Record<string, string>;
  args: string[];
  cwd: string;
  pid: number;
  main: boolean;
}

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function hasScriptProgram(): boolean {
  try {
    return new Deno.Command("script", { args: ["--version"] }).outputSync().success;
  } catch {
    return false;
  }
}

function reports(stdout: string): Report[] {
  const lines = stdout.trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line.replace(/^\[\d+\] /, "")) as Report)
    .toSorted((a, b) => Number(a.env.RANK) - Number(b.env.RANK));
}

Deno.test("launcher: every rank gets its environment, its arguments and the caller's directory", () =>
  withFolder(async (folder) => {
    const args = ["-n", "9", "--help", "--", "--env", "a b", "", "é"];
    const finished = await launch([
      "-n",
      "3",
      "--env",
      "EXTRA=1=2",
      "--device",
      "cpu",
      fixture("report.ts"),
      ...args,
    ], {
      cwd: folder,
      env: { NO_COLOR: "1" },
    });
    strictEqual(finished.code, 0, finished.stderr);
    strictEqual(finished.stderr, "");
    const ranks = reports(finished.stdout);
    deepStrictEqual(ranks.map(({ env }) => [env.RANK, env.LOCAL_RANK]), [["0", "0"], ["1", "1"], ["2", "2"]]);
    strictEqual(new Set(ranks.map(({ pid }) => pid)).size, 3);
    for (const { env, args: given, cwd, main } of ranks) {
      deepStrictEqual(given, args);
      strictEqual(cwd, folder);
      ok(main);
      strictEqual(env.WORLD_SIZE, "3");
      strictEqual(env.LOCAL_WORLD_SIZE, "3");
      strictEqual(env.MASTER_ADDR, "127.0.0.1");
      ok(Number(env.MASTER_PORT) > 1023 && Number(env.MASTER_PORT) < 65536);
      strictEqual(env.MASTER_PORT, ranks[0].env.MASTER_PORT);
      match(env.DEEPINV_JOB_TOKEN, /^[0-9a-f]{64}$/);
      strictEqual(env.DEEPINV_JOB_TOKEN, ranks[0].env.DEEPINV_JOB_TOKEN);
      strictEqual(env.RESTART_COUNT, "0");
      strictEqual(env.EXTRA, "1=2");
      strictEqual(env.DEEPINV_DEVICE, "cpu");
    }
  }));

Deno.test("launcher: two jobs have different secrets", async () => {
  const jobs = await Promise.all([1, 2].map(() => launch([fixture("report.ts")])));
  const tokens = jobs.map((job) => reports(job.stdout)[0].env.DEEPINV_JOB_TOKEN);
  ok(tokens[0] !== tokens[1]);
});

Deno.test("launcher: lines carry their rank and never mix", async () => {
  const { stdout, code } = await launch(["-n", "4", fixture("chatter.ts")]);
  strictEqual(code, 0);
  const lines = stdout.split("\n");
  strictEqual(lines.pop(), "");
  for (let rank = 0; rank < 4; rank++) {
    deepStrictEqual(lines.filter((line) => line.startsWith(`[${rank}] `)), [
      ...Array.from({ length: 200 }, (_, i) => `[${rank}] line ${i} is whole é`),
      `[${rank}] the end`,
    ]);
  }
  strictEqual(lines.length, 4 * 201);
});

Deno.test("launcher: ranks are padded to one width, --no-prefix leaves output as it is", async () => {
  const [padded, bare] = await Promise.all([
    launch(["-n", "11", fixture("chatter.ts")]),
    launch(["-n", "1", "--no-prefix", fixture("chatter.ts")]),
  ]);
  ok(padded.stdout.includes("[ 0] line 0 is whole é\n"));
  ok(padded.stdout.includes("[10] the end\n"));
  match(bare.stdout, /^line 0 is whole é\n[\s\S]*\nthe end\n$/);
});

Deno.test("launcher: a flood of output arrives complete and in order", async () => {
  const { stdout, code } = await launch(["-n", "2", fixture("flood.ts"), "10"]);
  strictEqual(code, 0);
  const next = [0, 0];
  for (const line of stdout.trimEnd().split("\n")) {
    const rank = Number(line[1]);
    if (Number.parseInt(line.slice(4)) !== next[rank]++) throw new Error(`out of order: ${line}`);
  }
  deepStrictEqual(next, [200_000, 200_000]);
});

Deno.test("launcher: a wrong command line is one line on stderr and exit code 2", async () => {
  const wrong = [["-n", "0", fixture("report.ts")], ["--nope", fixture("report.ts")], ["-n", "2"], [
    "-n",
    "2",
    "no-such-file.ts",
  ], [
    "-n",
    "2",
    "--cwd",
    "/no/such/folder",
    fixture("report.ts"),
  ]];
  for (const finished of await Promise.all(wrong.map((args) => launch(args)))) {
    strictEqual(finished.code, 2);
    strictEqual(finished.stdout, "");
    match(finished.stderr, /^deepinv-run: Cannot launch: [^\n]+\n$/);
  }
});

Deno.test("launcher: help, version and dry run print and run nothing", async () => {
  const [help, version, plan] = await Promise.all([
    launch(["--help"], { cwd: "/" }),
    launch(["--version"], { cwd: "/" }),
    launch(["--dry-run", "-n", "2", fixture("report.ts")]),
  ]);
  deepStrictEqual([help.code, version.code, plan.code], [0, 0, 0]);
  match(help.stdout, /^Usage: deepinv-run .*\n[\s\S]*Examples:\n/);
  strictEqual(version.stdout, `deepinv-run ${config.version}\n`);
  match(plan.stdout, /^rank 0 on \S+, device: .*\n[\s\S]*\nrank 1 on [\s\S]* {4}WORLD_SIZE=2\n$/);
  match(plan.stdout, /DEEPINV_JOB_TOKEN=\(secret\)/);
});

Deno.test("launcher: a script outside the project has the project's import map", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(
      join(folder, "outside.ts"),
      `import { main } from "@deepinv/distributed/launch";
       console.log(typeof main, import.meta.resolve("zeromq") !== "zeromq");`,
    );
    const { stdout, stderr, code } = await launch(["outside.ts"], { cwd: folder });
    strictEqual(code, 0, stderr);
    strictEqual(stdout, "[0] function true\n");
  }));

Deno.test("launcher: a script is found relative to --cwd, or loaded from a URL", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "here.ts"), "console.log(Deno.cwd());");
    await using server = Deno.serve(
      { port: 0, onListen: () => {} },
      () => new Response(`console.log("from afar");`, { headers: { "content-type": "text/typescript" } }),
    );
    const [local, remote] = await Promise.all([
      launch(["--cwd", folder, "here.ts"]),
      launch([`http://localhost:${server.addr.port}/${crypto.randomUUID()}.ts`]),
    ]);
    strictEqual(local.stdout, `[0] ${folder}\n`, local.stderr);
    ok(remote.stdout.endsWith("[0] from afar\n"), remote.stderr);
  }));

Deno.test("launcher: --deno-flags reach the ranks, and a permission takes the place of the default one", async () => {
  const [narrowed, guarded, denied] = await Promise.all([
    launch(["--deno-flags=--no-prompt --allow-env=RANK", fixture("report.ts")]),
    launch(["--deno-flags=--allow-env=RANK --allow-run=ls", fixture("fail.ts"), "0:0:ok"]),
    launch(["--deno-flags=--deny-run", fixture("grandchild.ts")]),
  ]);
  strictEqual(narrowed.code, 1);
  match(narrowed.stderr, /error +NotCapable: Requires env access/);
  strictEqual(guarded.code, 0, guarded.stderr);
  match(denied.stderr, /error +NotCapable: Requires run access/);
});

Deno.test("launcher: ranks may do most things, but not import code from anywhere", () =>
  withFolder(async (folder) => {
    await using server = Deno.serve(
      { port: 0, onListen: () => {} },
      () => new Response("export {};", { headers: { "content-type": "text/javascript" } }),
    );
    await Deno.writeTextFile(
      join(folder, "s.ts"),
      `await Deno.writeTextFile("out.txt", Deno.hostname());
       await new Deno.Command("true").output();
       await fetch(Deno.args[0]);
       await import(Deno.args[0]);`,
    );
    const { code, stderr } = await launch(["s.ts", `http://localhost:${server.addr.port}/x.js`], {
      cwd: folder,
    });
    strictEqual(code, 1);
    match(stderr, /error +.*Requires import access to "localhost:/);
  }));

Deno.test("launcher: --log-dir holds each stream of each rank, unprefixed, of the latest job", () =>
  withFolder(async (folder) => {
    const logs = join(folder, "a", "logs");
    for (let run = 0; run < 2; run++) {
      const { code } = await launch([
        "-n",
        "2",
        "--log-dir",
        logs,
        fixture("fail.ts"),
        "0:0:ok",
        "1:0:throw=Error",
      ]);
      strictEqual(code, 1);
    }
    deepStrictEqual([...Deno.readDirSync(logs)].map((file) => file.name).sort(), [
      "rank0.stderr.log",
      "rank0.stdout.log",
      "rank1.stderr.log",
      "rank1.stdout.log",
    ]);
    match(await Deno.readTextFile(join(logs, "rank0.stdout.log")), /^pid \d+\n$/);
    match(
      await Deno.readTextFile(join(logs, "rank1.stderr.log")),
      /^error: Uncaught .*rank 1 gives up\nand explains\n/,
    );
  }));

Deno.test("launcher: --redirects, --tee and --local-ranks-filter say what goes where", () =>
  withFolder(async (folder) => {
    const { stdout, stderr, code } = await launch([
      ...["-n", "3", "--log-dir", folder, "-r", "0:3,1:1", "-t", "1:2", "--local-ranks-filter", "0,1"],
      ...[fixture("fail.ts"), "0:0:ok", "1:0:throw=Error", "2:0:ok"],
    ]);
    strictEqual(code, 1);
    strictEqual(stdout, "");
    match(stderr, /^\[1\] error: Uncaught/m);
    deepStrictEqual([...Deno.readDirSync(folder)].map((file) => file.name).sort(), [
      "rank0.stderr.log",
      "rank0.stdout.log",
      "rank1.stderr.log",
      "rank1.stdout.log",
    ]);
    match(await Deno.readTextFile(join(folder, "rank1.stdout.log")), /^pid \d+\n$/);
    match(await Deno.readTextFile(join(folder, "rank1.stderr.log")), /^error: Uncaught/);
  }));

Deno.test({
  name: "launcher: on a terminal colours stay and rank 0's progress line keeps to the last row",
  ignore: !hasScriptProgram(),
  async fn() {
    const program = fileURLToPath(new URL("../../launch/deepinv_run.ts", import.meta.url));
    const command = `'${Deno.execPath()}' run -A '${program}' -n 2 '${fixture("progress.ts")}'`;
    const { stdout } = await new Deno.Command("script", {
      args: ["-qec", command, "/dev/null"],
      env: { NO_COLOR: "" },
    })
      .output();
    const text = new TextDecoder().decode(stdout);
    ok(text.includes("\r\x1b[K[0] step 1"), JSON.stringify(text));
    ok(text.includes("\r\x1b[K[1] number \x1b[33m42\x1b[39m\r\n[0] step 1"), JSON.stringify(text));
    ok(text.includes("\r\x1b[K[0] done\r\n"), JSON.stringify(text));
  },
});

Deno.test("launcher: importing it runs nothing", async () => {
  const { main } = await import("../../launch/deepinv_run.ts");
  strictEqual(typeof main, "function");
});
