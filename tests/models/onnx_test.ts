import assert from "node:assert/strict";

Deno.test("OnnxDenoiser, with onnxruntime-node fetched from npm and kept out of the lock file", async () => {
  const cases = new URL("./onnx_cases.ts", import.meta.url);
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--quiet", "--no-check", "--no-lock", cases.href],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  assert.ok(success, "the cases above fail");
});
