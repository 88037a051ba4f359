import type { Arena } from "./arena.ts";

/** Calls `use` with the address of `array`, or of a copy in the arena. */
export function withInput(arena: Arena, array: Float32Array, use: (address: number) => void): void {
  if (arena.owns(array)) return use(array.byteOffset);
  arena.borrow(array.byteLength, (address) => {
    arena.view(address, array.length).set(array);
    use(address);
  });
}

/** Calls `use` with the address of `array`, or of memory that is copied to it afterwards. */
export function withOutput(arena: Arena, array: Float32Array, use: (address: number) => void): void {
  if (arena.owns(array)) return use(array.byteOffset);
  arena.borrow(array.byteLength, (address) => {
    use(address);
    array.set(arena.view(address, array.length));
  });
}
