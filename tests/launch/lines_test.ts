import { strictEqual } from "node:assert/strict";
import { LineAssembler } from "../../launch/lines.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function assemble(prefix: string, chunks: (string | Uint8Array)[]): string {
  const lines = new LineAssembler(encoder.encode(prefix));
  const parts = chunks.map((chunk) =>
    decoder.decode(lines.push(typeof chunk === "string" ? encoder.encode(chunk) : chunk))
  );
  return parts.join("") + decoder.decode(lines.flush());
}

Deno.test("lines: each line gets the prefix, however the chunks cut them", () => {
  const text = "one\n\ntwo, a line of more than forty-eight bytes, which takes the other way\nthrée\nlast";
  const expected = text.split("\n").map((line) => `[0] ${line}\n`).join("");
  const bytes = encoder.encode(text);
  for (const size of [1, 2, 3, 7, 50, 1000]) {
    const chunks = Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, i) => bytes.slice(i * size, (i + 1) * size),
    );
    strictEqual(assemble("[0] ", chunks), expected, `chunks of ${size}`);
  }
});

Deno.test("lines: an empty stream, an empty chunk and an empty prefix", () => {
  strictEqual(assemble("[0] ", []), "");
  strictEqual(assemble("[0] ", ["", "a\n", ""]), "[0] a\n");
  strictEqual(assemble("", ["a\nb", "c\n"]), "a\nbc\n");
});

Deno.test("lines: nothing is given out before its newline has come", () => {
  const lines = new LineAssembler(encoder.encode("> "));
  strictEqual(lines.push(encoder.encode("half")).length, 0);
  strictEqual(decoder.decode(lines.push(encoder.encode(" and half\nrest"))), "> half and half\n");
  strictEqual(decoder.decode(lines.flush()), "> rest\n");
  strictEqual(lines.flush().length, 0);
});

Deno.test("lines: chunks may be reused by their owner", () => {
  const lines = new LineAssembler(encoder.encode("> "));
  const buffer = encoder.encode("keep");
  lines.push(buffer);
  buffer.fill(0);
  strictEqual(decoder.decode(lines.flush()), "> keep\n");
});

Deno.test("lines: of text overwritten by carriage returns the last stays", () => {
  strictEqual(assemble("> ", ["10%\r20%\r30%\n"]), "> 30%\n");
  strictEqual(assemble("> ", ["\r10%", "\r20%", "\nnext\n"]), "> 20%\n> next\n");
  strictEqual(assemble("> ", ["10%\r", "20%\r"]), "> 20%\n");
  strictEqual(assemble("> ", ["windows\r", "\nlines\r\n"]), "> windows\n> lines\n");
});

Deno.test("lines: a long progress line keeps its meaning and takes little memory", () => {
  const lines = new LineAssembler(encoder.encode("> "));
  for (let i = 0; i < 100_000; i++) lines.push(encoder.encode(`step ${i}\r`));
  strictEqual(decoder.decode(lines.redrawnLine()!), "> step 99999");
  strictEqual(decoder.decode(lines.push(encoder.encode("done     \n"))), "> done     \n");
});

Deno.test("lines: only a line with carriage returns is redrawn", () => {
  const lines = new LineAssembler(encoder.encode("> "));
  lines.push(encoder.encode("plain"));
  strictEqual(lines.redrawnLine(), null);
  lines.push(encoder.encode("\rnew"));
  strictEqual(decoder.decode(lines.redrawnLine()!), "> new");
});

Deno.test("lines: a line beyond the memory limit is cut", () => {
  const lines = new LineAssembler(new Uint8Array(0));
  const megabyte = new Uint8Array(2 ** 20).fill(65);
  let bytes = 0;
  for (let i = 0; i < 20; i++) bytes += lines.push(megabyte).length;
  strictEqual(bytes, 17 * 2 ** 20 + 1);
});
