import assert from "node:assert/strict";
import type { Report } from "./worker.ts";

/** Command and arguments of one rank of the test job. */
export const WORKER: readonly string[] = [
  Deno.execPath(),
  "run",
  "--quiet",
  "-A",
  "--no-check",
  new URL("worker.ts", import.meta.url).pathname,
];

/** The reports among the lines of `text`, by rank; other lines are left out. */
export function readReports(text: string): Report[] {
  const lines = text.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line): Report => JSON.parse(line)).toSorted((a, b) => a.rank - b.rank);
}

/** All ranks of one job reported, each once, and their sum is right. */
export function assertComplete(reports: readonly Report[], size: number): void {
  assert.deepEqual(reports.map(({ rank }) => rank), Array.from({ length: size }, (_, rank) => rank));
  const sum = size * (size + 1) / 2;
  for (const report of reports) assert.deepEqual([report.size, report.sum], [size, sum]);
}
