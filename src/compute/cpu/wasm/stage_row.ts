import { add, assemble, FunctionBuilder, i32 } from "./emitter.ts";

/** The module of `stageRow(to, left, from, bytes, right)`: `left` bytes of zeros, a copy of `bytes` bytes, `right` of zeros. */
export function stageRow(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("stageRow", 5);
  const [to, left, from, bytes, right] = f.parameters;
  const clear = [0xfc, 11, 0], copy = [0xfc, 10, 0, 0];
  f.emit(
    [to.get, i32(0), left.get, clear],
    to.increase(left.get),
    [to.get, from.get, bytes.get, copy],
    [add(to.get, bytes.get), i32(0), right.get, clear],
  );
  return assemble([f]);
}
