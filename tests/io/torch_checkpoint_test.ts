import assert from "node:assert/strict";
import { loadTorchStateDict, TorchCheckpointError } from "../../src/io/torch_checkpoint.ts";

/** What PyTorch wrote, with what it reads back or why it is refused. */
interface Fixture {
  readonly base64: string;
  readonly tensors?: Record<string, { dtype: string; shape: number[]; values: string }>;
  readonly refused?: string;
}

const FIXTURES: Record<string, Fixture> = JSON.parse(
  await Deno.readTextFile(new URL("./fixtures/torch_checkpoints.json", import.meta.url)),
);

/** A number as Python writes it. */
function parse(text: string): number {
  return text.endsWith("inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}

for (const [name, { base64, tensors, refused }] of Object.entries(FIXTURES)) {
  const bytes = Uint8Array.fromBase64(base64);
  if (tensors) {
    Deno.test(`torch checkpoint: ${name}`, async () => {
      const loaded = await loadTorchStateDict(bytes);
      assert.deepEqual([...loaded.keys()], Object.keys(tensors));
      for (const [key, { dtype, shape, values }] of Object.entries(tensors)) {
        const data = Float32Array.from(values === "" ? [] : values.split(" "), parse);
        assert.deepEqual(loaded.get(key), { dtype, shape, data }, key);
      }
    });
  } else {
    Deno.test(`torch checkpoint refused: ${name}`, async () => {
      await assert.rejects(loadTorchStateDict(bytes), (error) => {
        assert.ok(error instanceof TorchCheckpointError, String(error));
        assert.match(error.message, /^Cannot decode PyTorch checkpoint: /);
        assert.match(error.message, new RegExp(refused!));
        return true;
      });
    });
  }
}

Deno.test("torch checkpoint: damage anywhere is an error of ours, or leaves tensors", async () => {
  let state = 1;
  const random = (limit: number) => (state = (state * 48271) % 0x7fffffff) % limit;
  for (const { base64, tensors } of Object.values(FIXTURES).filter(({ tensors }) => tensors)) {
    for (let round = 0; round < 40; round++) {
      const bytes = Uint8Array.fromBase64(base64);
      for (let k = 0; k <= random(3); k++) bytes[random(bytes.length)] = random(256);
      const cut = random(4) === 0 ? bytes.slice(0, random(bytes.length)) : bytes;
      try {
        assert.ok((await loadTorchStateDict(cut)).size <= 2 * Object.keys(tensors!).length + 2);
      } catch (error) {
        assert.ok(error instanceof TorchCheckpointError, `${error}`);
      }
    }
  }
});

Deno.test("loadTorchStateDict reads paths and URLs, and names the file in errors", async () => {
  const path = await Deno.makeTempFile({ suffix: ".pth" });
  try {
    await Deno.writeFile(path, Uint8Array.fromBase64(FIXTURES["parameters"].base64));
    for (const source of [path, new URL(`file://${path}`)]) {
      assert.equal((await loadTorchStateDict(source)).size, 4);
    }
    await Deno.writeTextFile(path, "no checkpoint");
    await assert.rejects(loadTorchStateDict(path), { name: "TorchCheckpointError", path });
    await assert.rejects(loadTorchStateDict("/nowhere/x.pth"), { name: "FileError" });
  } finally {
    await Deno.remove(path);
  }
});
