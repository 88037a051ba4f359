/** Every exported class, function and constant shows how it is used, in an example that `deno test --doc` runs. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

/** The parts of `deno doc --json` that are looked at. */
interface Documentation {
  readonly nodes: Readonly<Record<string, { readonly symbols: readonly DocumentedSymbol[] }>>;
}

interface DocumentedSymbol {
  readonly name: string;
  /** Several where a function is overloaded. */
  readonly declarations: readonly {
    readonly kind: string;
    readonly location: { readonly filename: string; readonly line: number };
    readonly jsDoc?: { readonly doc?: string; readonly tags?: readonly { readonly doc?: string }[] };
  }[];
}

/** Kinds that have nothing to run. */
const TYPES = ["interface", "typeAlias", "reference"];

async function documented(entryPoints: readonly string[]): Promise<DocumentedSymbol[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...entryPoints],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  const { nodes }: Documentation = JSON.parse(new TextDecoder().decode(stdout));
  return Object.values(nodes).flatMap(({ symbols }) => symbols);
}

/** The code blocks of a symbol's documentation that are run: fenced by ts, and nothing after it. */
function examplesOf({ declarations }: DocumentedSymbol): string[] {
  const text = declarations.flatMap(({ jsDoc }) => [
    jsDoc?.doc ?? "",
    ...(jsDoc?.tags ?? []).map(({ doc }) => doc ?? ""),
  ]);
  return [...text.join("\n").matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code);
}

Deno.test("every exported class, function and constant has an example that is run", async (t) => {
  const { exports }: { exports: Record<string, string> } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const symbols = await documented(Object.values(exports));
  const values = symbols.filter(({ declarations }) =>
    !declarations.every(({ kind }) => TYPES.includes(kind))
  );
  assert.ok(values.length > 200, `only ${values.length} exports found`);
  const nameOf = ({ name, declarations: [{ location }] }: DocumentedSymbol) =>
    `${name} (${location.filename.slice(ROOT.href.length)}:${location.line})`;

  await t.step("all have one", () => {
    const without = values.filter((symbol) => examplesOf(symbol).length === 0);
    assert.deepEqual(without.map(nameOf), []);
  });
  await t.step("it imports what a user would import", () => {
    const strange = values.filter((symbol) =>
      !examplesOf(symbol).some((code) => /from "@deepinv\/distributed[/"]/.test(code))
    );
    assert.deepEqual(strange.map(nameOf), []);
  });
  await t.step("it asserts a result", () => {
    const silent = values.filter((symbol) => !examplesOf(symbol).some((code) => /\bassert[.(]/.test(code)));
    assert.deepEqual(silent.map(nameOf), []);
  });
});
