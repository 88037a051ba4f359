import assert from "node:assert/strict";
import { loadSafetensors, saveSafetensors } from "../../src/io/safetensors.ts";
import {
  decodeSafetensors,
  decodeSafetensorsMetadata,
  type SafetensorsDtype,
  SafetensorsError,
} from "../../src/io/safetensors_decode.ts";
import { encodeSafetensors } from "../../src/io/safetensors_encode.ts";

/** A file with this header and body, whatever they say. */
function file(header: unknown, body: ArrayLike<number> = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.length);
  return bytes;
}

const tensor = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

const SCALARS: [dtype: SafetensorsDtype, bytes: number[], values: number[]][] = [
  ["F32", [0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xff], [1, -Infinity]],
  ["F16", [0, 0x3c, 1, 0, 0xff, 0x7b], [1, 2 ** -24, 65504]],
  ["BF16", [0x80, 0x3f, 0x49, 0xc0], [1, -3.140625]],
  ["F64", [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], [1.5]],
  ["I8", [0xff, 0x7f], [-1, 127]],
  ["U8", [0xff, 0x7f], [255, 127]],
  ["I16", [0xfe, 0xff], [-2]],
  ["U16", [0xfe, 0xff], [65534]],
  ["I32", [0xfd, 0xff, 0xff, 0xff], [-3]],
  ["U32", [0, 0, 0, 0x80], [2 ** 31]],
  ["I64", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [-1]],
  ["U64", [0, 0, 0, 0, 0, 0, 0, 0x80], [2 ** 63]],
  ["BOOL", [0, 1], [0, 1]],
];

for (const [dtype, bytes, values] of SCALARS) {
  Deno.test(`safetensors ${dtype} is read and written`, () => {
    const shape = [1, values.length];
    const decoded = decodeSafetensors(file({ x: tensor(dtype, shape, 0, bytes.length) }, bytes));
    assert.deepEqual(decoded, new Map([["x", { dtype, shape, data: Float32Array.from(values) }]]));
    const written = encodeSafetensors(decoded);
    assert.deepEqual([...written.subarray(written.length - bytes.length)], bytes);
    assert.deepEqual(decodeSafetensors(written), decoded);
  });
}

Deno.test("safetensors bfloat16 is rounded to nearest even and keeps NaN", () => {
  const data = Float32Array.from([1 + 2 ** -8, 1 + 3 * 2 ** -8, NaN, 3.4e38]);
  const written = encodeSafetensors(new Map([["x", { dtype: "BF16", shape: [4], data }]]));
  assert.deepEqual([...decodeSafetensors(written).get("x")!.data], [1, 1 + 2 ** -6, NaN, Infinity]);
});

Deno.test("safetensors: names, order, scalars, empty tensors and metadata survive", () => {
  const tensors = new Map([
    ["b", { shape: [2, 2], data: Float32Array.from([1, 2, 3, 4]) }],
    ["10", { shape: [], data: Float32Array.from([5]) }],
    ['a.weight \u00e9"', { shape: [0, 3], data: new Float32Array(0) }],
    ["__proto__", { shape: [1], data: Float32Array.from([6]) }],
  ]);
  const bytes = encodeSafetensors(tensors, { format: "pt" });
  const decoded = decodeSafetensors(bytes);
  assert.deepEqual(new Set(decoded.keys()), new Set(tensors.keys()));
  for (const [name, { shape, data }] of tensors) {
    assert.deepEqual(decoded.get(name), { dtype: "F32", shape, data });
  }
  assert.deepEqual(decodeSafetensorsMetadata(bytes), { format: "pt" });
  assert.deepEqual(decodeSafetensorsMetadata(encodeSafetensors(tensors)), {});
  assert.equal(decodeSafetensors(encodeSafetensors(new Map())).size, 0);
});

Deno.test("safetensors: every tensor is aligned to its element, wide types first", () => {
  const bytes = encodeSafetensors(
    new Map([
      ["flag", { dtype: "BOOL", shape: [1], data: Float32Array.from([1]) }],
      ["wide", { dtype: "F64", shape: [1], data: Float32Array.from([0.5]) }],
    ]),
  );
  assert.deepEqual([...decodeSafetensors(bytes).keys()], ["wide", "flag"]);
  assert.equal(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8, 0);
});

const REFUSED: [what: string, bytes: Uint8Array, message: RegExp][] = [
  ["an empty file", new Uint8Array(0), /has 0 bytes/],
  [
    "a zip archive",
    Uint8Array.from("PK\x03\x04 and so on", (c) => c.charCodeAt(0)),
    /not safetensors; it is a zip archive/,
  ],
  ["a header beyond the file", file({}, []).fill(200, 0, 1), /truncated: its header ends at byte 208 of 10/],
  ["broken JSON", file('{"x": '), /not valid JSON/],
  ["a tensor without description", file({ x: null }), /tensor "x" has no description/],
  ["an unknown dtype", file({ x: tensor("F8_E5M2", [1], 0, 1) }, [0]), /has dtype "F8_E5M2"; known are F64/],
  ["a negative extent", file({ x: tensor("U8", [-1], 0, 1) }, [0]), /has shape \[-1\]/],
  ["a fractional extent", file({ x: tensor("U8", [0.5], 0, 1) }, [0]), /has shape \[0\.5\]/],
  ["a shape beyond all memory", file({ x: tensor("U8", [2 ** 40, 2 ** 40], 0, 1) }, [0]), /do not make U8/],
  ["offsets in reverse", file({ x: tensor("U8", [1], 1, 0) }, [0]), /has data_offsets \[1,0\]/],
  [
    "bytes that do not fit the shape",
    file({ x: tensor("F32", [2], 0, 4) }, [0, 0, 0, 0]),
    /4 bytes, which do not make F32 of shape \[2\]/,
  ],
  ["a truncated body", file({ x: tensor("U8", [4], 0, 4) }, [0]), /need 4 bytes, 1 follow the header/],
  [
    "bytes of no tensor",
    file({ x: tensor("U8", [1], 0, 1) }, [0, 0]),
    /1 bytes at its end belong to no tensor/,
  ],
  [
    "a gap",
    file({ x: tensor("U8", [1], 0, 1), y: tensor("U8", [1], 2, 3) }, [0, 0, 0]),
    /"y" leaves a gap of 1 bytes/,
  ],
  ["an overlap", file({ x: tensor("U8", [2], 0, 2), y: tensor("U8", [2], 1, 3) }, [0, 0, 0]), /"y" overlaps/],
  [
    "a name given twice",
    file(
      '{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
      [0, 0],
    ),
    /gap/,
  ],
];

for (const [what, bytes, message] of REFUSED) {
  Deno.test(`decodeSafetensors refuses ${what}`, () => {
    assert.throws(() => decodeSafetensors(bytes, "net.safetensors"), (error) => {
      assert.ok(error instanceof SafetensorsError, String(error));
      assert.match(error.message, /^Cannot decode safetensors net\.safetensors: /);
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("encodeSafetensors refuses what it cannot keep", () => {
  const encode = (input: object, name = "x") => () =>
    encodeSafetensors(new Map([[name, { shape: [2], data: Float32Array.from([1, 300]), ...input }]]));
  assert.throws(
    encode({ shape: [3] }),
    /tensor "x" must be as many values as its shape says, got shape \[3\] with 2/,
  );
  assert.throws(encode({ dtype: "U8" }), /made of U8 values, got 300 at index 1/);
  assert.throws(encode({ dtype: "I64", data: Float32Array.from([0, 2 ** 63]) }), /made of I64 values/);
  assert.throws(encode({ dtype: "I32", data: Float32Array.from([0.5, NaN]) }), /0\.5 at index 0/);
  assert.throws(encode({ dtype: "F8" }), /of dtype F64/);
  assert.throws(encode({}, "__metadata__"), /a name that the format reserves/);
});

Deno.test("the built-in weights load, and survive being saved", async () => {
  const url = new URL("../../src/models/weights/drunet_small_color.safetensors", import.meta.url);
  const weights = await loadSafetensors(url);
  const total = [...weights.values()].reduce((sum, { data }) => sum + data.length, 0);
  assert.equal(total, 1_063_920);
  assert.deepEqual(weights.get("m_head.weight")?.shape, [16, 4, 3, 3]);
  const path = await Deno.makeTempFile();
  try {
    await saveSafetensors(path, weights);
    assert.deepEqual(await loadSafetensors(path), weights);
  } finally {
    await Deno.remove(path);
  }
});
