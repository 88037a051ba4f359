import { assemble, FunctionBuilder, i32 } from "./emitter.ts";

/** The module of `clear(address, bytes)`: zeros, by `memory.fill`. */
export function clear(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("clear", 2);
  const [address, bytes] = f.parameters;
  f.emit([address.get, i32(0), bytes.get, 0xfc, 11, 0]);
  return assemble([f]);
}
