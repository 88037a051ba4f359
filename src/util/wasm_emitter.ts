/**
 * A small assembler for WebAssembly modules over one imported memory.
 *
 * Code is a tree of bytes: each instruction is a function from the code of its operands to code, so kernels read like
 * expressions; {@link assemble} flattens the tree. Addresses and counts are i32, data is v128.
 *
 * Deno compiles memory accesses with explicit bounds checks: `address < size - offset`. Loads through different address
 * variables with the same constant offset share the computation of `size - offset`, which makes kernels with one pointer
 * per row up to 1.4 times as fast as those with one pointer and many offsets.
 */

/** Instructions: bytes, nested as deep as is handy. */
export type Code = number | readonly Code[];

/** A parameter or local variable of a function. */
export class Local {
  /** Pushes the value. */
  readonly get: Code;

  constructor(private readonly index: number) {
    this.get = [0x20, unsigned(index)];
  }

  /** Assigns. */
  set(value: Code): Code {
    return [value, 0x21, unsigned(this.index)];
  }

  /** Adds a constant or computed i32 to the variable. */
  increase(by: Code): Code {
    return this.set(add(this.get, by));
  }
}

/** A function under construction; parameters are i32, it returns nothing. */
export class FunctionBuilder {
  /** Its parameters, in order. */
  readonly parameters: readonly Local[];
  readonly #types: number[] = [];
  readonly #body: Code[] = [];

  /** @param name the export's name */
  constructor(readonly name: string, parameters: number) {
    this.parameters = indices(parameters).map((index) => new Local(index));
  }

  /** A new i32 variable. */
  i32(): Local {
    return this.#local(0x7f);
  }

  /** A new v128 variable. */
  v128(): Local {
    return this.#local(0x7b);
  }

  /** `count` new i32 variables. */
  i32s(count: number): Local[] {
    return indices(count).map(() => this.i32());
  }

  /** `count` new v128 variables. */
  v128s(count: number): Local[] {
    return indices(count).map(() => this.v128());
  }

  /** Appends instructions. */
  emit(...code: Code[]): void {
    this.#body.push(code);
  }

  /** The entry of the code section. */
  encode(): number[] {
    const locals = this.#types.map((type) => [1, type]);
    return sized([unsigned(locals.length), locals, this.#body, 0x0b]);
  }

  #local(type: number): Local {
    this.#types.push(type);
    return new Local(this.parameters.length + this.#types.length - 1);
  }
}

/** The memory that a module imports. */
export interface ImportedMemory {
  /** Whether threads share it; default true. */
  readonly shared?: boolean;
  /** Pages of 64 KiB that it has at least; default {@link MINIMUM_PAGES}. */
  readonly minimumPages?: number;
}

/** A function from `parameters` f64 to one f64 that a module imports as `env.name`; see {@link call}. */
export interface ImportedFunction {
  /** Its name. */
  readonly name: string;
  /** Number of parameters. */
  readonly parameters: number;
}

/**
 * The module's bytes: memory of up to 4 GiB imported as `env.memory`, every function exported by its name. The imported
 * functions are numbered from 0 for {@link call}.
 */
export function assemble(
  functions: readonly FunctionBuilder[],
  { shared = true, minimumPages = MINIMUM_PAGES }: ImportedMemory = {},
  imports: readonly ImportedFunction[] = [],
): Uint8Array<ArrayBuffer> {
  const count = unsigned(functions.length);
  const section = (id: number, ...code: Code[]) => [id, sized(code)];
  return new Uint8Array(flatten([
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(
      1,
      unsigned(imports.length + functions.length),
      imports.map((f) => [0x60, vector(indices(f.parameters).map(() => 0x7c)), 1, 0x7c]),
      functions.map((f) => [0x60, vector(f.parameters.map(() => 0x7f)), 0]),
    ),
    section(
      2,
      unsigned(1 + imports.length),
      imports.map((f, i) => [name("env"), name(f.name), 0, unsigned(i)]),
      name("env"),
      name("memory"),
      2,
      shared ? 3 : 1,
      unsigned(minimumPages),
      unsigned(MAXIMUM_PAGES),
    ),
    section(3, count, functions.map((_, i) => unsigned(imports.length + i))),
    section(7, count, functions.map((f, i) => [name(f.name), 0, unsigned(imports.length + i)])),
    section(10, count, functions.map((f) => f.encode())),
  ]));
}

/** Pages of 64 KiB that the memory has at least: 16 MiB. Offsets below it spare the engine a check. */
export const MINIMUM_PAGES = 256;
/** Pages of 64 KiB that a 32-bit memory can have: 4 GiB. */
export const MAXIMUM_PAGES = 65536;

/** An i32 constant. */
export const i32 = (value: number): Code => [0x41, signed(value)];
export const add = (a: Code, b: Code): Code => [a, b, 0x6a];
export const subtract = (a: Code, b: Code): Code => [a, b, 0x6b];
export const multiply = (a: Code, b: Code): Code => [a, b, 0x6c];
/** Unsigned, rounded down. */
export const divide = (a: Code, b: Code): Code => [a, b, 0x6e];
export const remainder = (a: Code, b: Code): Code => [a, b, 0x70];
export const and = (a: Code, b: Code): Code => [a, b, 0x71];
export const equal = (a: Code, b: Code): Code => [a, b, 0x46];
/** a > b for signed values. */
export const greater = (a: Code, b: Code): Code => [a, b, 0x4a];

/** The result of imported function `index`. */
export const call = (index: number, ...operands: Code[]): Code => [operands, 0x10, unsigned(index)];

/** Runs `then` if the condition is not 0. */
export const when = (condition: Code, ...then: Code[]): Code => [condition, 0x04, 0x40, then, 0x0b];
/** Runs one of the two. */
export const choose = (condition: Code, then: Code, otherwise: Code): Code => [
  condition,
  [0x04, 0x40],
  then,
  0x05,
  otherwise,
  0x0b,
];

/** Runs `body` `count` times, at least once; `counter` runs down from `count` to 1. */
export const repeat = (counter: Local, count: Code, ...body: Code[]): Code => [
  counter.set(count),
  [0x03, 0x40],
  body,
  counter.set(subtract(counter.get, i32(1))),
  [counter.get, 0x0d, 0],
  0x0b,
];

/** Runs `body` `count` times, also zero times. */
export const repeatMaybe = (counter: Local, count: Code, ...body: Code[]): Code =>
  when(greater(count, i32(0)), repeat(counter, count, ...body));

/** 0, 1, ..., count - 1: the loops that unroll code. */
export function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

function name(text: string): Code {
  return vector([...new TextEncoder().encode(text)]);
}

function vector(items: readonly number[]): Code {
  return [unsigned(items.length), items];
}

function sized(code: Code): number[] {
  const bytes = flatten(code);
  return [...unsigned(bytes.length), ...bytes];
}

function flatten(code: Code, into: number[] = []): number[] {
  if (typeof code === "number") into.push(code);
  else for (const part of code) flatten(part, into);
  return into;
}

/** LEB128 for 0 <= value < 2^32. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value % 128;
    value = (value - low) / 128;
    bytes.push(value > 0 ? low | 128 : low);
  } while (value > 0);
  return bytes;
}

/** Signed LEB128 of an int32. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 127;
    value >>= 7;
    if (value === (low & 64 ? -1 : 0)) return [...bytes, low];
    bytes.push(low | 128);
  }
}
