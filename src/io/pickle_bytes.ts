/** A pickle that is damaged, or that asks for something refused; its message is the end of a sentence. */
export class PickleError extends Error {
  /** `"PickleError"`. */
  override readonly name = "PickleError";
}

/** The longest integer, in bytes. */
const LONGEST_INTEGER = 1024;

/** Reads the arguments of a pickle's opcodes one after the other, never beyond the end. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the next byte is. */
  at: number;

  /** Starts at a byte. */
  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
  }

  /** Passes over some bytes, which must be there; returns where they began. */
  skip(count: number): number {
    const begin = this.at;
    if (!(begin + count <= this.#bytes.length)) {
      throw new PickleError(
        `truncated: its pickle needs ${count} bytes at ${begin} of ${this.#bytes.length}`,
      );
    }
    this.at = begin + count;
    return begin;
  }

  /** One byte. */
  byte(): number {
    return this.#bytes[this.skip(1)];
  }

  /** The protocol's number, 0 to 5. */
  protocol(): void {
    const protocol = this.byte();
    if (protocol > 5) throw new PickleError(`its pickle has protocol ${protocol}; known are 0 to 5`);
  }

  /** An unsigned little-endian number of `size` bytes: 1, 2, 4 or 8. */
  uint(size: number): number {
    const at = this.skip(size);
    let value = 0;
    for (let k = size - 1; k >= 0; k--) value = value * 256 + this.#bytes[at + k];
    return value;
  }

  /** A signed number of 4 bytes. */
  int32(): number {
    return this.#view.getInt32(this.skip(4), true);
  }

  /** A float64, big-endian. */
  double(): number {
    return this.#view.getFloat64(this.skip(8), false);
  }

  /** A signed little-endian number of any size: a bigint where a number would not be exact. */
  long(size: number): number | bigint {
    const begin = this.skip(size);
    if (size > LONGEST_INTEGER) throw new PickleError(`it holds an integer of ${size} bytes`);
    let value = 0n;
    for (let k = size - 1; k >= 0; k--) value = (value << 8n) | BigInt(this.#bytes[begin + k]);
    return narrow(BigInt.asIntN(8 * size, value));
  }

  /** A decimal number and its line's end; `00` and `01` are protocol 0's booleans. */
  decimal(): number | bigint | boolean {
    const text = this.line();
    if (text === "00" || text === "01") return text === "01";
    const digits = /^(-?\d{1,1000})L?$/.exec(text);
    if (!digits) throw new PickleError(`its pickle holds "${text.slice(0, 20)}" for an integer`);
    return narrow(BigInt(digits[1]));
  }

  /** Text up to the line's end. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.at);
    if (end < 0) throw new PickleError("truncated: a line of its pickle does not end");
    const text = new TextDecoder().decode(this.#bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }

  /** Bytes behind their number, which has `size` bytes itself. */
  bytes(size: number): Uint8Array {
    const count = this.uint(size);
    const begin = this.skip(count);
    return this.#bytes.slice(begin, begin + count);
  }

  /** UTF-8 behind its number of bytes. */
  text(size: number): string {
    return new TextDecoder().decode(this.bytes(size));
  }

  /** One character per byte, behind their number. */
  latin1(size: number): string {
    return Array.from(this.bytes(size), (byte) => String.fromCharCode(byte)).join("");
  }
}

function narrow(value: bigint): number | bigint {
  return BigInt.asIntN(53, value) === value ? Number(value) : value;
}
