/** SLURM's two compressed lists: node names and tasks per node. */

import { invalidVariable } from "./environment.ts";

const MAX_NODES = 2 ** 17;

/**
 * `"3,1(x2)"` as `[3, 1, 1]`.
 *
 * @throws InvalidArgumentError if it is malformed
 */
export function expandTasksPerNode(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const match = /^([1-9]\d{0,8})(?:\(x(\d{1,6})\))?$/.exec(part);
    const repeat = Number(match?.[2] ?? 1);
    if (match === null || repeat > MAX_NODES) {
      throw invalidVariable("SLURM_STEP_TASKS_PER_NODE", 'like "3,1(x2)"', JSON.stringify(text));
    }
    return new Array<number>(repeat).fill(Number(match[1]));
  });
}

/**
 * `"n[01-03,07],g-a[1-2]b[3-4]"` as the node names that it stands for, in order.
 *
 * @throws InvalidArgumentError if it is malformed or stands for more than 131072 nodes
 */
export function expandNodeList(text: string): string[] {
  const names: string[] = [];
  for (const pattern of text.split(/,(?![^[]*\])/)) {
    const parts = expandNode(pattern, text);
    if (names.length + parts.length > MAX_NODES) throw malformed(text);
    for (const part of parts) names.push(part);
  }
  return names;
}

function expandNode(pattern: string, text: string): string[] {
  const match = /^([^[\]]*)\[([^[\]]*)\](.*)$/.exec(pattern);
  if (match === null) {
    if (!/^[^[\]\s,]*$/.test(pattern)) throw malformed(text);
    if (pattern === "") throw malformed(text);
    return [pattern];
  }
  const [, head, ranges, tail] = match;
  const tails = tail === "" ? [""] : expandNode(tail, text);
  const middles = ranges.split(",").flatMap((range) => expandRange(range, text));
  if (middles.length * tails.length > MAX_NODES) throw malformed(text);
  return middles.flatMap((middle) => tails.map((end) => head + middle + end));
}

/** `"08-10"` as `["08", "09", "10"]`. */
function expandRange(range: string, text: string): string[] {
  const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(range);
  if (match === null) throw malformed(text);
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  const count = last - first + 1;
  if (count < 1 || count > MAX_NODES) throw malformed(text);
  return Array.from({ length: count }, (_, index) => String(first + index).padStart(match[1].length, "0"));
}

function malformed(text: string): Error {
  return invalidVariable("SLURM_STEP_NODELIST", 'like "n[01-03,07]"', JSON.stringify(text));
}
