import assert from "node:assert/strict";
import { FileError, locationName, readBytes, writeBytes } from "../../src/io/files.ts";
import * as io from "../../src/io/mod.ts";

Deno.test("readBytes reads paths, file, data and http URLs", async () => {
  const path = await Deno.makeTempFile();
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) =>
      new URL(request.url).pathname === "/x" ? new Response("abc") : new Response("", { status: 404 }),
  );
  const base = `http://127.0.0.1:${server.addr.port}`;
  try {
    const abc = new TextEncoder().encode("abc");
    await writeBytes(path, abc);
    for (
      const location of [
        path,
        `file://${path}`,
        new URL(`file://${path}`),
        "data:text/plain,abc",
        `${base}/x`,
      ]
    ) {
      assert.deepEqual(await readBytes(location), abc, String(location));
    }
    await assert.rejects(readBytes(`${base}/y`), (error) => {
      assert.ok(error instanceof FileError);
      assert.equal(error.message, `Cannot read ${base}/y: the server answered 404 Not Found`);
      return true;
    });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("file errors say what is wrong", async () => {
  await assert.rejects(readBytes("/nowhere/x.png"), {
    name: "FileError",
    path: "/nowhere/x.png",
    action: "read",
  });
  await assert.rejects(readBytes("/"), /Cannot read \/: /);
  await assert.rejects(readBytes("http://127.0.0.1:1/x"), FileError);
  await assert.rejects(writeBytes("data:,x", new Uint8Array(1)), /a data: URL cannot be written to/);
});

Deno.test("locationName reads as a person would write it", () => {
  assert.equal(locationName("a b.png"), "a b.png");
  assert.equal(locationName(new URL("file:///a%20b.png")), "/a b.png");
  assert.equal(locationName("https://example.org/x.png"), "https://example.org/x.png");
  assert.ok(locationName(`data:,${"x".repeat(1000)}`).length < 50);
});

Deno.test("errors of all formats share a base that carries action, reason and path", () => {
  for (const Kind of [io.PngError, io.NpyError, io.SafetensorsError, io.TorchCheckpointError]) {
    const error = new Kind("it is broken", "file");
    assert.ok(error instanceof io.FormatError && error instanceof Error);
    assert.equal(error.name, Kind.name);
    assert.equal(error.message, `Cannot ${error.action} file: it is broken`);
  }
});
