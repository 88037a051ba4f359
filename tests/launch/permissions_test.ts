import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { choosePermissions } from "../../launch/permissions.ts";

const all = ["read", "write", "net", "env", "sys", "run", "ffi"];

function kinds(...denoFlags: string[]): string[] {
  return choosePermissions(denoFlags).flags.map((flag) => flag.replace("--allow-", ""));
}

Deno.test("permissions: all kinds but imports from anywhere", () => {
  deepStrictEqual(kinds(), all);
  deepStrictEqual(kinds("--v8-flags=--allow-natives-syntax", "--allow-scripts=npm:x", "--deny-net"), all);
});

Deno.test("permissions: a given one takes the place of its kind", () => {
  deepStrictEqual(kinds("--allow-write=out"), all.filter((kind) => kind !== "write"));
  deepStrictEqual(kinds("-R=/data", "--allow-run"), all.filter((kind) => kind !== "read" && kind !== "run"));
  deepStrictEqual(kinds("-RWNES"), ["run", "ffi"]);
  deepStrictEqual(kinds("--allow-import=example.com", "-I"), all);
});

Deno.test("permissions: a whole set takes the place of all", () => {
  for (const flag of ["-A", "--allow-all", "-P", "-P=ranks", "--permission-set=ranks"]) {
    deepStrictEqual(kinds(flag), []);
  }
});

Deno.test("permissions: the guard needs native libraries", () => {
  const guarded = (...denoFlags: string[]) => choosePermissions(denoFlags).guarded;
  strictEqual(guarded(), true);
  strictEqual(guarded("-A"), true);
  strictEqual(guarded("--allow-ffi"), true);
  for (const flags of [["-A", "--deny-ffi"], ["--deny-ffi=/x"], ["--allow-ffi=/x"], ["-P"]]) {
    strictEqual(guarded(...flags), false, flags.join(" "));
  }
});
