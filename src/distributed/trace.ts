import { clockOffsets } from "./clock_offsets.ts";
import type { TensorGroup } from "./tensor_group.ts";
import type { Span, Track } from "./timeline.ts";

/** What a rank hands in. */
interface RankSpans {
  /** Its name for people. */
  readonly label: string;
  /** `performance.timeOrigin`, in milliseconds. */
  readonly origin: number;
  readonly spans: readonly Span[];
}

/** An event of the Chrome trace format: `X` a span, `M` a name. Times in microseconds. */
interface TraceEvent {
  readonly ph: "X" | "M";
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Record<string, string | number>;
}

const TRACKS: readonly Track[] = ["operators", "denoiser", "device", "collectives"];

/** Thread numbers of a track start at a multiple of this; spans that overlap need more than one. */
const LANES = 100;

/**
 * Writes all ranks' spans as one file in the Chrome trace format, which Perfetto and chrome://tracing open. A rank is a
 * process of the trace, a kind of work is a thread. Called by all ranks; rank 0 writes.
 *
 * The ranks' clocks are brought together by {@link clockOffsets}; the first span begins at 0.
 *
 * @throws {Error} on every rank, when the file cannot be written
 */
export async function writeTrace(
  group: TensorGroup,
  path: string | URL,
  label: string,
  spans: readonly Span[],
): Promise<void> {
  const offsets = await clockOffsets(group);
  const own: RankSpans = { label, origin: performance.timeOrigin, spans };
  const everyone = await group.gatherObject(own, group.ranks[0]);
  const failure = everyone && await written(path, JSON.stringify(toTrace(everyone, offsets)));
  const problem = await group.broadcastObject(failure ?? null, group.ranks[0]);
  if (problem !== null) throw new Error(`Cannot write the trace ${path}: ${problem}`);
}

async function written(path: string | URL, text: string): Promise<string | null> {
  try {
    await Deno.writeTextFile(path, text);
    return null;
  } catch (error) {
    return String(error);
  }
}

/**
 * The trace of spans.
 *
 * @param offsets what each rank's clock is ahead of rank 0's, in milliseconds
 */
export function toTrace(
  ranks: readonly RankSpans[],
  offsets: readonly number[],
): { traceEvents: TraceEvent[]; displayTimeUnit: "ms" } {
  const startOf = ({ start }: Span, rank: number) => ranks[rank].origin + start - offsets[rank];
  const first = ranks.reduce(
    (earliest, { spans }, rank) =>
      spans.reduce((least, span) => Math.min(least, startOf(span, rank)), earliest),
    Infinity,
  );
  const traceEvents = ranks.flatMap(({ label, spans }, pid): TraceEvent[] => [
    { ph: "M", name: "process_name", pid, tid: 0, args: { name: `rank ${pid} (${label})` } },
    { ph: "M", name: "process_sort_index", pid, tid: 0, args: { sort_index: pid } },
    ...TRACKS.flatMap((track, t) => {
      const ends: number[] = [];
      const ordered = spans.filter((span) => span.track === track).sort((a, b) => a.start - b.start);
      const events = ordered.map((span): TraceEvent => {
        const free = ends.findIndex((end) => end <= span.start);
        const lane = free === -1 ? ends.length : free;
        ends[lane] = span.start + span.milliseconds;
        return {
          ph: "X",
          name: span.name,
          cat: track,
          pid,
          tid: t * LANES + lane + 1,
          ts: (startOf(span, pid) - first) * 1000,
          dur: span.milliseconds * 1000,
          args: span.bytes === undefined ? undefined : { bytes: span.bytes },
        };
      });
      const names = ends.map((_, lane): TraceEvent => ({
        ph: "M",
        name: "thread_name",
        pid,
        tid: t * LANES + lane + 1,
        args: { name: lane === 0 ? track : `${track} (${lane + 1})` },
      }));
      return [...names, ...events];
    }),
  ]);
  return { traceEvents, displayTimeUnit: "ms" };
}
