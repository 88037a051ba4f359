import assert from "node:assert/strict";
import { decodeNpy, encodeNpy, loadNpy, saveNpy } from "../../src/io/npy.ts";
import { NpyError } from "../../src/io/npy_header.ts";
import fixtures from "./fixtures/npy_numpy.json" with { type: "json" };

const NUMBERS = Object.entries(fixtures).filter(([name]) => !name.startsWith("refused")) as [
  string,
  { npy: string; shape: number[]; values: number[] },
][];

for (const [name, { npy, shape, values }] of NUMBERS) {
  Deno.test(`decodeNpy agrees with NumPy: ${name}`, () => {
    const array = decodeNpy(Uint8Array.fromBase64(npy));
    assert.deepEqual([...array.shape], shape);
    assert.deepEqual([...array.data], values);
  });
}

const REFUSED = {
  "refused object": /pickled Python objects/,
  "refused text": /holds text, not numbers/,
  "refused bytes": /holds byte strings/,
  "refused dates": /holds dates/,
  "refused structured": /structured records/,
  "refused long double": /dtype '<f16' is not supported/,
};

for (const [name, message] of Object.entries(REFUSED)) {
  Deno.test(`decodeNpy ${name}`, () => {
    const bytes = Uint8Array.fromBase64(fixtures[name as keyof typeof REFUSED].npy);
    assert.throws(() => decodeNpy(bytes, "y.npy"), (error) => {
      assert.ok(error instanceof NpyError, String(error));
      assert.match(error.message, /^Cannot decode npy y\.npy: /);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("encodeNpy writes what NumPy writes, byte for byte", () => {
  for (const name of ["<f4", "scalar", "empty", "one axis"]) {
    const bytes = Uint8Array.fromBase64(fixtures[name as "<f4"].npy);
    assert.deepEqual(encodeNpy(decodeNpy(bytes)), bytes, name);
  }
});

Deno.test("encodeNpy takes a view with an offset, and refuses a wrong shape", () => {
  const data = Float32Array.from([9, 1, 2, 3]).subarray(1);
  assert.deepEqual([...decodeNpy(encodeNpy({ shape: [3], data })).data], [1, 2, 3]);
  assert.throws(
    () => encodeNpy({ shape: [2, 2], data }),
    /Cannot encode npy: data must be as many as shape \(2, 2\) holds, got 3 values/,
  );
});

Deno.test("decodeNpy refuses every truncation, and bytes beyond the array", () => {
  const good = encodeNpy({ shape: [2, 3], data: new Float32Array(6) });
  for (let length = 0; length < good.length; length++) {
    assert.throws(() => decodeNpy(good.subarray(0, length)), NpyError, `first ${length} bytes`);
  }
  const longer = new Uint8Array(good.length + 4);
  longer.set(good);
  assert.throws(() => decodeNpy(longer), /28 bytes follow its header, its shape needs 24/);
});

Deno.test("decodeNpy refuses malformed headers", () => {
  const withHeader = (literal: string, major = 1) =>
    Uint8Array.from(
      `\x93NUMPY${String.fromCharCode(major)}\0${String.fromCharCode(literal.length)}\0${literal}`,
      (character) => character.charCodeAt(0),
    );
  const decode = (literal: string, major?: number) => () => decodeNpy(withHeader(literal, major));
  assert.throws(decode("{}"), /header is malformed/);
  assert.throws(decode("{'descr': '<f4', 'fortran_order': Maybe, 'shape': ()}"), /malformed/);
  assert.throws(decode("{'descr': '<f4', 'fortran_order': False, 'shape': (1,,2)}"), /shape is malformed/);
  assert.throws(decode("{'descr': '<q9', 'fortran_order': False, 'shape': ()}"), /'<q9' is not supported/);
  assert.throws(decode("{'descr': '', 'fortran_order': False, 'shape': ()}"), /is not supported/);
  assert.throws(
    decode("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"),
    NpyError,
  );
  assert.throws(decode("{}", 4), /version is 4\.0/);
  assert.throws(() => decodeNpy(Uint8Array.from("PK\x03\x04....", (c) => c.charCodeAt(0))), /a zip archive/);
});

Deno.test("saveNpy and loadNpy keep an array on disk; errors name the file", async () => {
  const path = await Deno.makeTempFile({ suffix: ".npy" });
  try {
    const array = { shape: [2, 1, 2], data: Float32Array.from([1, NaN, -Infinity, 1e-40]) };
    await saveNpy(path, array);
    assert.deepEqual(await loadNpy(path), array);
    await Deno.writeFile(path, new Uint8Array(3));
    await assert.rejects(loadNpy(path), (error) => error instanceof NpyError && error.path === path);
  } finally {
    await Deno.remove(path);
  }
});
