#!/usr/bin/env -S deno run -A
/**
 * The launcher: runs a script as N cooperating processes (ranks) and supervises them.
 *
 * ```sh
 * deno task launch -n 4 script.ts [script arguments]
 * ```
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { InvalidArgumentError } from "../src/util/errors.ts";
import { exitCodeOfJob, failureReport, findCause } from "./failure_report.ts";
import { countGpus, readDeviceFacts } from "./devices.ts";
import { freePort } from "./free_port.ts";
import { helpText } from "./help.ts";
import { exitCodeOf, Interrupts } from "./interrupts.ts";
import { jobToken, newKey, type Nodes } from "./nodes.ts";
import { type LaunchOptions, parseCommandLine } from "./options.ts";
import { Console, JobOutput, type StreamName } from "./output.ts";
import { formatPlan, type HostFacts, planJob } from "./plan.ts";
import type { Attempt } from "./rank_variables.ts";
import { locateScript } from "./script_location.ts";
import { after, type JobResult, superviseJob } from "./supervisor.ts";

const SYSTEM_EXIT_CODE = 1;
const USAGE_EXIT_CODE = 2;
const FLUSH_MS = 500;
const TIMEOUT_EXIT_CODE = 124;
const BROKEN_PIPE_EXIT_CODE = 141;

async function newAttempt(nodes: Nodes, restartCount: number): Promise<Attempt> {
  const masterPort = nodes.masterPort ?? freePort(nodes.masterAddr);
  return { masterPort, token: await jobToken(nodes, restartCount), restartCount };
}

/** The launcher's exit code for a job, and what it says about it. */
function conclude(result: JobResult, options: LaunchOptions): { code: number; text: string } {
  const { reason, ends } = result;
  if (reason === "finished") return { code: 0, text: "" };
  if (reason === "timeout") {
    const text = `deepinv-run: ended the job because it ran longer than ${
      options.timeoutMs! / 1000
    } s (--timeout)\n`;
    return { code: TIMEOUT_EXIT_CODE, text };
  }
  if (reason === "failure") {
    const verdict = findCause(ends)!;
    const text = failureReport(verdict, ends, Deno.hostname(), options.nodes.count);
    return { code: exitCodeOfJob(verdict), text };
  }
  return { code: exitCodeOf(reason), text: `deepinv-run: ended the job on ${reason}\n` };
}

async function launch(options: LaunchOptions, host: HostFacts): Promise<number> {
  const location = locateScript(options.script, options.cwd, options.denoFlags);
  const console = new Console();
  const say = (stream: StreamName, text: string) => console.write(stream, new TextEncoder().encode(text));
  if (options.dryRun) {
    const plan = planJob(options, location, host, await newAttempt(options.nodes, 0));
    await say("stdout", formatPlan(plan, Deno.hostname()));
    await console.flush();
    return 0;
  }
  if (options.logDir !== null) await Deno.mkdir(options.logDir, { recursive: true });
  using interrupts = new Interrupts();
  const deadline = options.timeoutMs === null ? null : performance.now() + options.timeoutMs;
  for (let restarts = 0;; restarts++) {
    const plan = planJob(options, location, host, await newAttempt(options.nodes, restarts));
    const output = new JobOutput(console, plan.worldSize, { ...options, append: restarts > 0 });
    const timeLeft = deadline === null ? null : Math.max(0, deadline - performance.now());
    const result = await superviseJob(plan, output, interrupts, timeLeft);
    const { code, text } = conclude(result, options);
    if (text !== "") await say("stderr", text);
    if (result.reason !== "failure" || interrupts.received || restarts === options.maxRestarts) {
      // Output waits for a slow reader, but not once the user or the clock has ended the job.
      const patienceEnds = result.reason === "timeout" ? Promise.resolve() : interrupts.first;
      await Promise.race([console.flush(), patienceEnds.then(() => after(FLUSH_MS, undefined))]);
      return code;
    }
    await say(
      "stderr",
      `deepinv-run: starting all ranks again (${restarts + 1} of ${options.maxRestarts})\n`,
    );
  }
}

/**
 * Runs the launcher with the given command line and waits for the job's end.
 *
 * @param args the launcher's flags, the script and the script's arguments
 * @returns the exit code: 0, or that of the rank that failed first (128 + n for a signal), 2 for a wrong command line, 124
 * after `--timeout`, 128 + n when signal n ended the launcher
 *
 * @example Two ranks, from another program
 * ```ts
 * import assert from "node:assert/strict";
 * import { main } from "@deepinv/distributed/launch";
 *
 * const script = await Deno.makeTempFile({ suffix: ".ts" });
 * await Deno.writeTextFile(script, `Deno.exit(Deno.args[0] === "ok" && Deno.env.get("WORLD_SIZE") === "2" ? 0 : 3);`);
 * assert.equal(await main(["-n", "2", "--timeout", "60", script, "ok"]), 0); // deepinv-run -n 2 script.ts ok
 * assert.equal(await main(["-n", "2", script, "no"]), 3); // the exit code of the rank that failed first
 * await Deno.remove(script);
 * ```
 */
export async function main(args: string[]): Promise<number> {
  const env = Deno.env.toObject();
  const devices = readDeviceFacts();
  const surroundings = { cores: devices.cores, gpus: countGpus(devices, env), cwd: Deno.cwd() };
  try {
    const command = parseCommandLine(args, env, surroundings);
    if (command.kind === "keygen") {
      console.log(newKey());
      return 0;
    }
    if (command.kind === "help") {
      console.log(helpText().trimEnd());
      return 0;
    }
    if (command.kind === "version") {
      console.log(`deepinv-run ${config.version}`);
      return 0;
    }
    const host: HostFacts = {
      ...devices,
      deno: Deno.execPath(),
      launcherPid: Deno.pid,
      env,
      terminal: Deno.stdout.isTerminal() && Deno.stderr.isTerminal(),
    };
    return await launch(command.options, host);
  } catch (error) {
    if (error instanceof InvalidArgumentError) {
      console.error(`deepinv-run: ${error.message}`);
      return USAGE_EXIT_CODE;
    }
    if (error instanceof Deno.errors.BrokenPipe) return BROKEN_PIPE_EXIT_CODE;
    if (error instanceof Error && error.name in Deno.errors) {
      console.error(`deepinv-run: Cannot run the job: ${error.message}`);
      return SYSTEM_EXIT_CODE;
    }
    throw error;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
