import { deepStrictEqual, match, ok, strictEqual, throws } from "node:assert/strict";
import { helpText } from "../../launch/help.ts";
import { type LaunchOptions, parseCommandLine } from "../../launch/options.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";

const host = { cores: 6, gpus: 0, cwd: "/here" };
const both = { console: true, file: false };

function parse(line: string, env: Record<string, string> = {}, gpus = 0): LaunchOptions {
  const args = line.split(" ").filter((word) => word !== "");
  const command = parseCommandLine(args, env, { ...host, gpus });
  ok(command.kind === "run");
  return command.options;
}

Deno.test("options: the defaults", () => {
  deepStrictEqual(parse("script.ts"), {
    nproc: 1,
    nodes: {
      count: 1,
      rank: 0,
      masterAddr: "127.0.0.1",
      masterPort: null,
      jobId: "",
      key: null,
      insecure: false,
    },
    script: "script.ts",
    scriptArgs: [],
    cwd: "/here",
    env: {},
    device: null,
    denoFlags: [],
    maxRestarts: 0,
    timeoutMs: null,
    logDir: null,
    routes: [{ stdout: both, stderr: both }],
    prefix: true,
    dryRun: false,
  });
});

Deno.test("options: everything after the script's name is the script's", () => {
  const options = parse("-n 3 script.ts -n 5 --help -- --foo --env X --version");
  strictEqual(options.nproc, 3);
  strictEqual(options.script, "script.ts");
  deepStrictEqual(options.scriptArgs, ["-n", "5", "--help", "--", "--foo", "--env", "X", "--version"]);
  const afterSeparator = parse("-n 2 -- -odd-name.ts -n 7");
  strictEqual(afterSeparator.script, "-odd-name.ts");
  deepStrictEqual(afterSeparator.scriptArgs, ["-n", "7"]);
});

Deno.test("options: every flag in its forms", () => {
  for (const line of ["-n 4", "-n4", "--nproc-per-node 4", "--nproc-per-node=4"]) {
    strictEqual(parse(`${line} s.ts`).nproc, 4);
  }
  for (
    const [line, gpus, expected] of [["auto", 0, 6], ["auto", 4, 4], ["gpu", 2, 2], ["cpu", 4, 6]] as const
  ) {
    strictEqual(parse(`-n ${line} s.ts`, {}, gpus).nproc, expected);
  }
  strictEqual(parse("--nproc_per_node=3 --max_restarts 2 s.ts --left_alone").nproc, 3);
  deepStrictEqual(parse("--no_prefix s.ts --left_alone").scriptArgs, ["--left_alone"]);
  deepStrictEqual(parse("--env A=1 --env B=x=y --env C= s.ts").env, { A: "1", B: "x=y", C: "" });
  strictEqual(parse("--device cpu s.ts").device, "cpu");
  strictEqual(parse("--cwd /there s.ts").cwd, "/there");
  strictEqual(parse("--log-dir logs s.ts").logDir, "logs");
  strictEqual(parse("--max-restarts 3 s.ts").maxRestarts, 3);
  strictEqual(parse("--no-prefix s.ts").prefix, false);
  strictEqual(parse("--dry-run s.ts").dryRun, true);
  deepStrictEqual(parse("--deno-flags=--allow-read --deno-flags=--quiet s.ts").denoFlags, [
    "--allow-read",
    "--quiet",
  ]);
  for (const [text, ms] of [["90", 90e3], ["1.5s", 1500], ["250ms", 250], ["15m", 900e3], ["2h", 7200e3]]) {
    strictEqual(parse(`--timeout ${text} s.ts`).timeoutMs, ms);
  }
});

Deno.test("options: the environment stands in for flags, the command line wins", () => {
  const env = { DEEPINV_RUN_NPROC_PER_NODE: "5", DEEPINV_RUN_DEVICE: "gpu", DEEPINV_RUN_ENV: "A=1" };
  const options = parse("--device cpu s.ts", env);
  strictEqual(options.nproc, 5);
  strictEqual(options.device, "cpu");
  deepStrictEqual(options.env, { A: "1" });
  strictEqual(parse("s.ts", { DEEPINV_RUN_NO_PREFIX: "1" }).prefix, false);
  strictEqual(parse("s.ts", { DEEPINV_RUN_NO_PREFIX: "0" }).prefix, true);
  throws(
    () => parse("s.ts", { DEEPINV_RUN_DRY_RUN: "yes" }),
    /DEEPINV_RUN_DRY_RUN must be 1, 0, true or false/,
  );
});

Deno.test("options: what cannot be used is refused with the reason", () => {
  const refused: [string, RegExp][] = [
    ["-n 0 s.ts", /-n must be a whole number from 1 to 4096, got "0"$/],
    ["-n -1 s.ts", /-n must be followed by N\|auto/],
    ["-n 2.5 s.ts", /-n must be a whole number/],
    ["-n 1e1 s.ts", /-n must be a whole number/],
    ["-n 99999 s.ts", /-n must be a whole number/],
    ["-n two s.ts", /-n must be a whole number/],
    ["-n gpu s.ts", /-n must be a number, cpu or auto on a host where no GPU is found, got gpu$/],
    ["-n", /-n must be followed by N\|auto\|gpu\|cpu/],
    ["-n 2", /the script must be named after the flags, got nothing/],
    ["", /the script must be named/],
    ["--frobnicate s.ts", /a flag must be one that --help lists, got --frobnicate$/],
    ["-x s.ts", /a flag must be one that --help lists, got -x$/],
    ["--no-prefix=yes s.ts", /--no-prefix must be without a value/],
    ["--env NAME s.ts", /--env must be NAME=VALUE/],
    ["--env 1A=x s.ts", /--env must be NAME=VALUE/],
    ["--env RANK=3 s.ts", /--env must be a variable that the launcher does not set itself, got RANK/],
    ["--device tpu s.ts", /--device must be auto, gpu or cpu, got "tpu"/],
    ["--timeout soon s.ts", /--timeout must be a time/],
    ["--timeout 0 s.ts", /--timeout must be a time/],
    ["--timeout 1000h s.ts", /--timeout must be a time/],
    ["--max-restarts -1 s.ts", /--max-restarts must be/],
  ];
  for (const [line, message] of refused) {
    throws(() => parse(line), (error: unknown) => {
      ok(error instanceof InvalidArgumentError, line);
      match(error.message, message);
      ok(!error.message.includes("\n"), "one line");
      return true;
    });
  }
  throws(() => parse("s.ts", { DEEPINV_RUN_NPROC_PER_NODE: "none" }), /-n must be a whole number/);
});

Deno.test("options: help and version win over everything before the script", () => {
  strictEqual(parseCommandLine(["--help"], {}, host).kind, "help");
  strictEqual(parseCommandLine(["-n", "x", "-h"], {}, host).kind, "help");
  strictEqual(parseCommandLine(["--version", "s.ts"], {}, host).kind, "version");
  strictEqual(parseCommandLine(["--help"], { DEEPINV_RUN_DRY_RUN: "?" }, host).kind, "help");
  strictEqual(parseCommandLine(["keygen"], {}, host).kind, "keygen");
});

Deno.test("options: the help text names every group, twin and example", () => {
  const text = helpText();
  for (
    const part of [
      ...["Ranks:", "Several hosts:", "Environment:", "Output:", "Other:", "Permissions:", "Examples:"],
      "-n, --nproc-per-node N|auto|gpu|cpu",
    ]
  ) {
    ok(text.includes(part), part);
  }
  ok(text.includes("DEEPINV_RUN_LOG_DIR"));
  ok(text.split("\n").every((line) => line.length <= 120));
});
