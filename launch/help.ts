/**
 * The text of `--help`.
 */
import { envTwin, TABLE } from "./flags.ts";

const NOTES = `Permissions:
  Ranks may read, write, use the network, the environment, system information, native libraries and other programs,
  but import code only from the hosts that Deno trusts. Native libraries (libzmq) could do all of this anyway, so
  these permissions prevent accidents, not attacks. A permission in --deno-flags takes the place of the default one
  of its kind (--deno-flags="--allow-write=out --deny-run"), -A and --permission-set that of all.

Secrets:
  export DEEPINV_JOB_KEY=$(deepinv-run keygen)   the same key on every host; needed where hosts meet over a network`;

const EXAMPLES = `Examples:
  deepinv-run -n 4 train.ts --epochs 10
  deepinv-run -n 2 --device cpu --timeout 15m examples/pnp_deblur.ts --check
  deepinv-run -n auto --log-dir logs --max-restarts 2 script.ts
  deepinv-run --nnodes 2 --node-rank 0 --rdzv-endpoint node0:29500 -n gpu script.ts
  deepinv-run -n 2 --deno-flags="--v8-flags=--max-old-space-size=8192" script.ts`;

/** The text of `--help`: flags by group, notes, examples. */
export function helpText(): string {
  const lines = ["Usage: deepinv-run [flags] script.ts [script arguments]", "       deepinv-run keygen", ""];
  lines.push("Runs the script as N cooperating processes (ranks) and supervises them.", "");
  for (const group of new Set(TABLE.map(([, flag]) => flag.group))) {
    lines.push(`${group}:`);
    for (const [name, flag] of TABLE.filter(([, flag]) => flag.group === group)) {
      const short = flag.short ? `-${flag.short}, ` : "    ";
      const left = `${short}--${name}${flag.value ? ` ${flag.value}` : ""}`;
      const [first, ...rest] = flag.help.split("\n");
      lines.push(`  ${left.padEnd(36)} ${first}`, ...rest.map((text) => `${" ".repeat(39)}${text}`));
    }
    lines.push("");
  }
  lines.push(
    `Flags have twins in the environment: --log-dir logs is ${envTwin("log-dir")}=logs, --no-prefix is ${
      envTwin("no-prefix")
    }=1.`,
    "",
  );
  return [...lines, NOTES, "", EXAMPLES].join("\n") + "\n";
}
