import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { locateScript } from "../../launch/script_location.ts";

const packageConfig = fileURLToPath(new URL("../../deno.json", import.meta.url));

async function withFolder(test: (folder: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(folder, "s.ts"), "");
    test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("script location: a script from anywhere gets the package's configuration", () =>
  withFolder((folder) => {
    const location = locateScript("s.ts", folder, []);
    strictEqual(location.main, join(folder, "s.ts"));
    deepStrictEqual(location.configFlags, ["--config", packageConfig, "--no-lock"]);
    deepStrictEqual(locateScript("s.ts", folder, ["--lock=mine.lock"]).configFlags, [
      "--config",
      packageConfig,
    ]);
    deepStrictEqual(locateScript(`file://${folder}/s.ts`, "/", []), location);
  }));

Deno.test("script location: a project that does not know this package does not hide it", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(join(folder, "deno.json"), `{ "imports": { "other": "npm:other@1" } }`);
    deepStrictEqual(locateScript("s.ts", folder, []).configFlags, ["--config", packageConfig, "--no-lock"]);
  }));

Deno.test("script location: a script of the package itself uses its lock file", () => {
  const { configFlags } = locateScript("script_location_test.ts", import.meta.dirname!, []);
  deepStrictEqual(configFlags, ["--config", packageConfig]);
});

Deno.test("script location: a project that names this package wins", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(
      join(folder, "deno.jsonc"),
      `{ /* mine */ "imports": { "@deepinv/distributed": "jsr:@deepinv/distributed@1" } }`,
    );
    Deno.mkdirSync(join(folder, "sub"));
    Deno.writeTextFileSync(join(folder, "sub", "t.ts"), "");
    Deno.writeTextFileSync(join(folder, "sub", "deno.json"), "{}");
    deepStrictEqual(locateScript("sub/t.ts", folder, []).configFlags, [
      "--config",
      join(folder, "deno.jsonc"),
    ]);
    Deno.writeTextFileSync(
      join(folder, "sub", "package.json"),
      `{ "dependencies": { "@deepinv/distributed": "1" } }`,
    );
    deepStrictEqual(locateScript("sub/t.ts", folder, []).configFlags, []);
  }));

Deno.test("script location: a configuration chosen by the user wins", () =>
  withFolder((folder) => {
    for (const flag of ["--config=x.json", "--no-config", "-c"]) {
      deepStrictEqual(locateScript("s.ts", folder, [flag]).configFlags, []);
    }
  }));

Deno.test("script location: URLs pass, what is not a file does not", () =>
  withFolder((folder) => {
    strictEqual(locateScript("https://example.com/s.ts", folder, []).main, "https://example.com/s.ts");
    throws(
      () => locateScript("missing.ts", folder, []),
      /the script must be an existing file, got missing.ts/,
    );
    throws(() => locateScript(".", folder, []), /the script must be an existing file/);
    throws(() => locateScript("s.ts", join(folder, "nowhere"), []), /--cwd must be an existing directory/);
    ok(locateScript("s.ts", folder, []).guard.endsWith("/launch/child_guard.ts"));
  }));
