/** What a span of time was spent on. */
export type Track = "operators" | "denoiser" | "device" | "collectives";

/** A span of a rank's time. */
export interface Span {
  /** What kind of work it was. */
  readonly track: Track;
  /** The work's name. */
  readonly name: string;
  /** When it began, in milliseconds of this process's `performance.now()`. */
  readonly start: number;
  /** How long it took. */
  readonly milliseconds: number;
  /** Bytes that a collective was given. */
  readonly bytes?: number;
}

/** Spans that are kept at most; older ones are forgotten, half of them at a time. */
const CAPACITY = 131_072;

/** The spans of one rank, in the order they ended. Recording one costs an array's push. */
export class Timeline {
  #spans: Span[] = [];

  /** Adds a span that has just ended. */
  add(track: Track, name: string, milliseconds: number, bytes?: number): void {
    if (this.#spans.length === CAPACITY) this.#spans = this.#spans.slice(CAPACITY / 2);
    this.#spans.push({ track, name, start: performance.now() - milliseconds, milliseconds, bytes });
  }

  /** The spans that began at `time` or later. */
  since(time = 0): Span[] {
    return this.#spans.filter(({ start }) => start >= time);
  }
}
