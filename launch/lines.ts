/**
 * Cuts a byte stream into whole, prefixed lines.
 *
 * A carriage return overwrites: of "10%\r20%\n" only "20%" is kept, as a terminal would show it. Bytes are never
 * decoded, so characters that a chunk boundary splits stay whole.
 */
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const EMPTY = new Uint8Array(0);
/** A line that grows beyond this is cut, so that a rank cannot fill the launcher's memory. */
const MAX_LINE_BYTES = 16 * 2 ** 20;
/** An unfinished line beyond this is rid of what its carriage returns have overwritten. */
const COMPACT_BYTES = 4096;
/** Below this a loop copies a line faster than a call does. */
const SHORT_LINE_BYTES = 48;

/** One array out of several. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** What a terminal shows of a line: the text after the last carriage return that is followed by any. */
function visible(line: Uint8Array): Uint8Array {
  let end = line.length;
  while (end > 0 && line[end - 1] === CARRIAGE_RETURN) end--;
  return line.subarray(line.lastIndexOf(CARRIAGE_RETURN, end - 1) + 1, end);
}

function overwriteLines(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, start);
    parts.push(visible(bytes.subarray(start, end)), bytes.subarray(end, end + 1));
    start = end + 1;
  }
  return concatBytes(parts);
}

/** Positions after each newline. */
function lineEnds(lines: Uint8Array): number[] {
  const ends: number[] = [];
  for (let at = lines.indexOf(NEWLINE); at >= 0; at = lines.indexOf(NEWLINE, at + 1)) ends.push(at + 1);
  return ends;
}

/** Puts the prefix before each line of `head` and `lines` together; `head` has no newline, `lines` ends with one. */
function prefixLines(prefix: Uint8Array, head: Uint8Array[], lines: Uint8Array): Uint8Array {
  if (prefix.length === 0) return concatBytes([...head, lines]);
  const start = concatBytes([prefix, ...head]);
  const ends = lineEnds(lines);
  const out = new Uint8Array(start.length + lines.length + (ends.length - 1) * prefix.length);
  out.set(start);
  let [from, to] = [0, start.length];
  for (const end of ends) {
    if (from > 0) {
      for (let i = 0; i < prefix.length; i++) out[to++] = prefix[i];
    }
    if (end - from < SHORT_LINE_BYTES) {
      while (from < end) out[to++] = lines[from++];
    } else {
      out.set(lines.subarray(from, end), to);
      to += end - from;
      from = end;
    }
  }
  return out;
}

/** The line assembler of one stream. */
export class LineAssembler {
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  /** @param prefix bytes to put before each line; may be empty */
  constructor(readonly prefix: Uint8Array) {}

  /** Takes the next bytes and returns the lines that they complete, prefixed; empty if none. */
  push(chunk: Uint8Array): Uint8Array {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#keep(chunk);
      return this.#pendingBytes > MAX_LINE_BYTES ? this.flush() : EMPTY;
    }
    const head = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const whole = chunk.subarray(0, end);
    const redrawn = [...head, whole].some((part) => part.indexOf(CARRIAGE_RETURN) >= 0);
    const lines = redrawn
      ? prefixLines(this.prefix, [], overwriteLines(concatBytes([...head, whole])))
      : prefixLines(this.prefix, head, whole);
    if (end < chunk.length) this.#keep(chunk.subarray(end));
    return lines;
  }

  /** The unfinished last line with a newline, prefixed; empty if there is none. */
  flush(): Uint8Array {
    if (this.#pendingBytes === 0) return EMPTY;
    return this.push(Uint8Array.of(NEWLINE));
  }

  /** The unfinished line as a terminal shows it, if carriage returns redraw it; otherwise null. */
  redrawnLine(): Uint8Array | null {
    const line = concatBytes(this.#pending);
    return line.includes(CARRIAGE_RETURN) ? concatBytes([this.prefix, visible(line)]) : null;
  }

  #keep(bytes: Uint8Array): void {
    this.#pending.push(bytes.slice());
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes < COMPACT_BYTES || !bytes.includes(CARRIAGE_RETURN)) return;
    const shown = visible(concatBytes(this.#pending));
    this.#pending = [Uint8Array.of(CARRIAGE_RETURN), shown.slice()];
    if (bytes.at(-1) === CARRIAGE_RETURN) this.#pending.push(Uint8Array.of(CARRIAGE_RETURN));
    this.#pendingBytes = this.#pending.reduce((sum, part) => sum + part.length, 0);
  }
}
