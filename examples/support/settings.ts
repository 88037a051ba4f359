import { parseArgs } from "node:util";

/** A flag's default: a whole number, another number, a text, or `false` for one that is given or not. */
type Default = number | string | boolean;

/** Values as wide as their defaults. */
type Values<D> = { [K in keyof D]: D[K] extends number ? number : D[K] extends string ? string : boolean };

/**
 * The flags of a program by name, `patchSize` for `--patch-size`; prints the help and ends for `--help`.
 *
 * @param least the smallest values of whole numbers that may be more or less than 1
 * @throws {TypeError} for an unknown flag, and for what is no number, or no whole one where the default is whole
 */
export function readFlags<D extends Readonly<Record<string, Default>>>(
  args: string[],
  help: string,
  defaults: D,
  least: { [K in keyof D]?: number } = {},
): Values<D> {
  const flag = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const options = Object.fromEntries(
    Object.entries({ ...defaults, help: false }).map(([name, value]) => {
      const type = typeof value === "boolean" ? "boolean" as const : "string" as const;
      return [flag(name), { type }];
    }),
  );
  const { values } = parseArgs({ args, options });
  if (values.help) printHelp(help);
  const read = ([name, fallback]: [string, Default]): [string, Default] => {
    const given = values[flag(name)];
    if (given === undefined || typeof fallback !== "number") return [name, given ?? fallback];
    const label = `--${flag(name)}`, text = String(given);
    const number = Number.isInteger(fallback)
      ? wholeNumber(label, text, least[name])
      : anyNumber(label, text);
    return [name, number];
  };
  return Object.fromEntries(Object.entries(defaults).map(read)) as Values<D>;
}

/** A flag's value as a whole number; a TypeError that names the flag for anything else. */
function wholeNumber(flag: string, text: string, least = 1): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && text.trim() !== "") return value;
  throw new TypeError(`Cannot run: ${flag} must be a whole number >= ${least}, got "${text}"`);
}

/** Prints how to call the program, and ends it. */
function printHelp(text: string): never {
  console.log(text);
  Deno.exit(0);
}

function anyNumber(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && text.trim() !== "") return value;
  throw new TypeError(`Cannot run: ${flag} must be a number, got "${text}"`);
}
