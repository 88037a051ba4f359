/**
 * A reader of Python pickles (protocols 0 to 5) that builds numbers, strings, bytes and containers, and nothing else:
 * dicts become `Map`, sets `Set`, lists and tuples arrays. A class is looked up by name in a table of ours, so a file
 * can call only what stands there; any other class, and any opcode not known here, is an error that names it.
 * https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
import { PickleBytes, PickleError } from "./pickle_bytes.ts";

/** What a class or function of the table does when the file calls it. */
export type PickleCall = (args: readonly unknown[]) => unknown;

/** What a pickle may use. */
export interface PickleWorld {
  /** Looks up a class or function, `"module.name"`: a {@link PickleCall}, a value, or undefined to refuse it. */
  readonly find: (name: string) => unknown;
  /** What stands for a persistent id; without it they are refused. */
  readonly persistent?: (id: unknown) => unknown;
}

type Handler = (machine: Machine) => void;

/**
 * Reads the one pickle that starts at `at`.
 *
 * @returns its value, and where the next byte after it is
 * @throws {PickleError} when it is damaged, or asks for something that is refused
 */
export function readPickle(
  bytes: Uint8Array,
  at: number,
  world: PickleWorld,
): { value: unknown; end: number } {
  const machine = new Machine(new PickleBytes(bytes, at), world);
  return { value: machine.run(), end: machine.input.at };
}

/** The stack machine that a pickle is a program for. */
class Machine {
  readonly input: PickleBytes;
  readonly world: PickleWorld;
  readonly memo = new Map<number, unknown>();
  /** Values under the last mark are on the stacks below. */
  stack: unknown[] = [];
  readonly #below: unknown[][] = [];

  constructor(input: PickleBytes, world: PickleWorld) {
    this.input = input;
    this.world = world;
  }

  run(): unknown {
    for (;;) {
      const code = this.input.byte();
      if (code === STOP) return this.pop();
      const handler = HANDLERS.get(code);
      if (!handler) {
        throw new PickleError(`it holds the pickle opcode ${opcodeName(code)}, which is not read`);
      }
      handler(this);
    }
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0) throw new PickleError("its pickle takes from an empty stack");
    return this.stack.pop();
  }

  top(): unknown {
    this.push(this.pop());
    return this.stack.at(-1);
  }

  mark(): void {
    this.#below.push(this.stack);
    this.stack = [];
  }

  /** The values since the last mark, which goes with them. */
  popMark(): unknown[] {
    const values = this.stack;
    const below = this.#below.pop();
    if (!below) throw new PickleError("its pickle goes back to a mark that it did not set");
    this.stack = below;
    return values;
  }

  recall(key: number): void {
    if (!this.memo.has(key)) throw new PickleError(`its pickle refers to memo ${key}, which it did not set`);
    this.push(this.memo.get(key));
  }

  lookUp(module: unknown, name: unknown): void {
    const full = `${module}.${name}`;
    const found = this.world.find(full);
    if (found === undefined) {
      throw new PickleError(`it asks for ${full}, which is no tensor or plain container`);
    }
    this.push(found);
  }

  call(args: unknown): void {
    const f = this.pop();
    if (typeof f !== "function" || !Array.isArray(args)) {
      throw new PickleError("its pickle calls what is no function");
    }
    this.push((f as PickleCall)(args));
  }

  /** Keys and values alternate. */
  setItems(target: unknown, items: readonly unknown[]): void {
    if (!(target instanceof Map) || items.length % 2 !== 0) {
      throw new PickleError("its pickle fills what is no dict");
    }
    for (let k = 0; k < items.length; k += 2) target.set(items[k], items[k + 1]);
  }

  append(target: unknown, items: readonly unknown[]): void {
    if (!Array.isArray(target)) throw new PickleError("its pickle appends to what is no list");
    for (const item of items) target.push(item);
  }

  addItems(target: unknown, items: readonly unknown[]): void {
    if (!(target instanceof Set)) throw new PickleError("its pickle adds to what is no set");
    for (const item of items) target.add(item);
  }

  /** The attributes of an object: plain containers keep none. */
  build(): void {
    this.pop();
    if (!(this.top() instanceof Map)) throw new PickleError("it holds BUILD for what is no dict");
  }

  persistent(): void {
    const { persistent } = this.world;
    if (!persistent) throw new PickleError("it holds the pickle opcode BINPERSID, which is not read here");
    this.push(persistent(this.pop()));
  }

  takeLast(count: number): unknown[] {
    return Array.from({ length: count }, () => this.pop()).reverse();
  }
}

const STOP = 0x2e;

/** Opcodes by their code, as in Python's pickletools. */
const HANDLERS = new Map<number, Handler>(
  Object.entries<Handler>({
    "\x80": (m) => m.input.protocol(),
    "\x95": (m) => m.input.skip(8),
    "(": (m) => m.mark(),
    "0": (m) => m.pop(),
    "1": (m) => m.popMark(),
    "2": (m) => m.push(m.top()),
    "N": (m) => m.push(null),
    "\x88": (m) => m.push(true),
    "\x89": (m) => m.push(false),
    "I": (m) => m.push(m.input.decimal()),
    "L": (m) => m.push(m.input.decimal()),
    "F": (m) => m.push(Number(m.input.line())),
    "J": (m) => m.push(m.input.int32()),
    "K": (m) => m.push(m.input.byte()),
    "M": (m) => m.push(m.input.uint(2)),
    "\x8a": (m) => m.push(m.input.long(m.input.byte())),
    "\x8b": (m) => m.push(m.input.long(m.input.uint(4))),
    "G": (m) => m.push(m.input.double()),
    "X": (m) => m.push(m.input.text(4)),
    "\x8c": (m) => m.push(m.input.text(1)),
    "\x8d": (m) => m.push(m.input.text(8)),
    "V": (m) => m.push(m.input.line()),
    "U": (m) => m.push(m.input.latin1(1)),
    "T": (m) => m.push(m.input.latin1(4)),
    "C": (m) => m.push(m.input.bytes(1)),
    "B": (m) => m.push(m.input.bytes(4)),
    "\x8e": (m) => m.push(m.input.bytes(8)),
    "\x96": (m) => m.push(m.input.bytes(8)),
    "]": (m) => m.push([]),
    "l": (m) => m.push(m.popMark()),
    "a": (m) => {
      const item = m.pop();
      m.append(m.top(), [item]);
    },
    "e": (m) => {
      const items = m.popMark();
      m.append(m.top(), items);
    },
    ")": (m) => m.push([]),
    "t": (m) => m.push(m.popMark()),
    "\x85": (m) => m.push(m.takeLast(1)),
    "\x86": (m) => m.push(m.takeLast(2)),
    "\x87": (m) => m.push(m.takeLast(3)),
    "}": (m) => m.push(new Map()),
    "d": (m) => {
      const [items, dict] = [m.popMark(), new Map()];
      m.setItems(dict, items);
      m.push(dict);
    },
    "s": (m) => {
      const items = m.takeLast(2);
      m.setItems(m.top(), items);
    },
    "u": (m) => {
      const items = m.popMark();
      m.setItems(m.top(), items);
    },
    "\x8f": (m) => m.push(new Set()),
    "\x90": (m) => {
      const items = m.popMark();
      m.addItems(m.top(), items);
    },
    "\x91": (m) => m.push(new Set(m.popMark())),
    "c": (m) => m.lookUp(m.input.line(), m.input.line()),
    "\x93": (m) => {
      const [module, name] = m.takeLast(2);
      m.lookUp(module, name);
    },
    "R": (m) => m.call(m.pop()),
    "\x81": (m) => m.call(m.pop()),
    "b": (m) => m.build(),
    "Q": (m) => m.persistent(),
    "h": (m) => m.recall(m.input.byte()),
    "j": (m) => m.recall(m.input.uint(4)),
    "g": (m) => m.recall(Number(m.input.line())),
    "q": (m) => void m.memo.set(m.input.byte(), m.top()),
    "r": (m) => void m.memo.set(m.input.uint(4), m.top()),
    "p": (m) => void m.memo.set(Number(m.input.line()), m.top()),
    "\x94": (m) => void m.memo.set(m.memo.size, m.top()),
  }).map(([code, handler]) => [code.charCodeAt(0), handler]),
);

/** Opcodes that exist and are not read, by name. */
const REFUSED: Readonly<Record<string, string>> = {
  "i": "INST",
  "o": "OBJ",
  "P": "PERSID",
  "S": "STRING",
  "\x82": "EXT1",
  "\x83": "EXT2",
  "\x84": "EXT4",
  "\x92": "NEWOBJ_EX",
  "\x97": "NEXT_BUFFER",
  "\x98": "READONLY_BUFFER",
};

function opcodeName(code: number): string {
  return REFUSED[String.fromCharCode(code)] ?? `0x${code.toString(16).padStart(2, "0")}`;
}

export { PickleError };
