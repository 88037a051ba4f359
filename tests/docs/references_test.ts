/** What the README and the pages under docs/ point to exists: links, headings, files and tasks. */
import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);

/** A page and what it says. */
interface Page {
  readonly name: string;
  readonly text: string;
}

async function pages(): Promise<Page[]> {
  const names = ["README.md"];
  for await (const { name } of Deno.readDir(new URL("docs/", ROOT))) {
    if (name.endsWith(".md")) names.push(`docs/${name}`);
  }
  return await Promise.all(
    names.map(async (name) => ({ name, text: await Deno.readTextFile(new URL(name, ROOT)) })),
  );
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The anchors of a page's headings, as GitHub names them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").replace(/\s/g, "-")
  );
}

/** `page: reference` of every reference that fails. */
async function broken(
  all: readonly Page[],
  pattern: RegExp,
  isFine: (reference: string, page: Page) => boolean | Promise<boolean>,
): Promise<string[]> {
  const found: string[] = [];
  let count = 0;
  for (const page of all) {
    for (const [, reference] of page.text.matchAll(pattern)) {
      count++;
      if (!await isFine(reference, page)) found.push(`${page.name}: ${reference}`);
    }
  }
  assert.ok(count > 0, `nothing matches ${pattern}`);
  return found;
}

Deno.test("relative links lead to files and headings", async () => {
  const all = await pages();
  const links = /(?:\]\(|(?:src|href|srcset)=")(?!https?:|mailto:)([^)"\s]+)/g;
  assert.deepEqual(
    await broken(all, links, async (link, page) => {
      const [path, anchor] = link.split("#");
      const target = path === "" ? new URL(page.name, ROOT) : new URL(path, new URL(page.name, ROOT));
      if (!await exists(target)) return false;
      return anchor === undefined || anchorsOf(await Deno.readTextFile(target)).includes(anchor);
    }),
    [],
  );
});

Deno.test("paths in the text, from the project's root, exist", async () => {
  // One-letter names, as in examples/x.ts, stand for any file.
  const paths = /(?<![\w/.-])((?:bench|docs|examples|launch|src|tests)\/(?!\w\.)[\w./-]*\w)/g;
  assert.deepEqual(await broken(await pages(), paths, (path) => exists(new URL(path, ROOT))), []);
});

Deno.test("file names in the text are those of sources", async () => {
  const names = new Set<string>();
  const collect = async (folder: URL): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      names.add(name);
      if (isDirectory) await collect(new URL(`${name}/`, folder));
    }
  };
  for (const folder of ["bench", "examples", "launch", "src"]) await collect(new URL(`${folder}/`, ROOT));
  const known = (name: string) => names.has(name);
  assert.deepEqual(await broken(await pages(), /`([a-z0-9_]{2,}\.ts)`/g, known), []);
});

Deno.test("tasks in the text are in deno.json", async () => {
  const { tasks }: { tasks: object } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  assert.deepEqual(await broken(await pages(), /\bdeno task ([\w-]+)/g, (name) => name in tasks), []);
});
