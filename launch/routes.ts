/**
 * Which streams of which local ranks go to the console and which to log files, as torchrun's `--redirects`, `--tee` and
 * `--local-ranks-filter` say it: 0 is no stream, 1 stdout, 2 stderr, 3 both; `0:3,1:1` gives one number per local rank and
 * 0 to the others.
 */
import { type FlagName, type ParsedFlags, usageError } from "./flags.ts";
import { wholeNumber } from "./values.ts";

/** Where one stream goes. */
export interface Route {
  console: boolean;
  file: boolean;
}

/** Where the streams of one rank go. */
export type Routes = Record<"stdout" | "stderr", Route>;

const BITS = { stdout: 1, stderr: 2 } as const;

/** One number per local rank. */
function readSelection(flag: FlagName, text: string, nproc: number): number[] {
  if (/^[0-3]$/.test(text)) return new Array<number>(nproc).fill(Number(text));
  const selection = new Array<number>(nproc).fill(0);
  for (const part of text.split(",")) {
    const match = /^(\d+):([0-3])$/.exec(part);
    if (match === null) {
      throw usageError(`--${flag}`, "0, 1, 2, 3 or a list like 0:3,1:1", JSON.stringify(text));
    }
    selection[wholeNumber(`a local rank in --${flag}`, match[1], 0, nproc - 1)] = Number(match[2]);
  }
  return selection;
}

function readFilter(text: string, nproc: number): boolean[] {
  const shown = new Array<boolean>(nproc).fill(false);
  for (const part of text.split(",")) {
    shown[wholeNumber("a local rank in --local-ranks-filter", part.trim(), 0, nproc - 1)] = true;
  }
  return shown;
}

/**
 * The routes of each local rank. Without `--redirects` and `--tee`, a `--log-dir` receives all streams.
 *
 * @throws {InvalidArgumentError} a malformed list, a local rank that does not exist, files without `--log-dir`
 */
export function readRoutes(flags: ParsedFlags, nproc: number): Routes[] {
  const [redirects, tee] = [flags.text("redirects"), flags.text("tee")];
  const hasFolder = flags.text("log-dir") !== undefined;
  const everything = hasFolder && redirects === undefined && tee === undefined;
  const redirected = readSelection("redirects", redirects ?? "0", nproc);
  const teed = readSelection("tee", tee ?? (everything ? "3" : "0"), nproc);
  const filter = flags.text("local-ranks-filter");
  const shown = filter === undefined ? new Array<boolean>(nproc).fill(true) : readFilter(filter, nproc);
  if (!hasFolder && [...redirected, ...teed].some((selection) => selection > 0)) {
    throw usageError("--log-dir", "given with --redirects and --tee", "nothing");
  }
  return Array.from({ length: nproc }, (_, local) => {
    const route = (bit: number): Route => {
      const [fileOnly, both] = [(redirected[local] & bit) !== 0, (teed[local] & bit) !== 0];
      return { console: shown[local] && (both || !fileOnly), file: both || fileOnly };
    };
    return { stdout: route(BITS.stdout), stderr: route(BITS.stderr) };
  });
}
