import { Philox } from "../util/philox.ts";

let shared = new Philox(0);

/**
 * Seeds the generator that `Tensor.randn` and noise models without a seed of their own draw from. A context does this
 * with its `seed` (plus the rank, with `seedOffset`).
 *
 * @param seed a whole number
 * @throws {InvalidArgumentError} when it is not a safe integer
 *
 * @example The same random numbers again
 * ```ts
 * import assert from "node:assert/strict";
 * import { manualSeed, openDevice, setDefaultDevice, Tensor } from "@deepinv/distributed/tensor";
 *
 * setDefaultDevice(await openDevice("cpu"));
 * manualSeed(7);
 * const first = await Tensor.randn([4]).data();
 * const second = await Tensor.randn([4]).data(); // goes on in the stream
 * manualSeed(7);
 * assert.deepEqual(await Tensor.randn([4]).data(), first);
 * assert.notDeepEqual(second, first);
 * ```
 */
export function manualSeed(seed: number): void {
  shared = new Philox(seed);
}

/**
 * A generator of its own for a seed, or the shared one without. Philox4x32-10: the values depend on the seed and the
 * position in the stream only, never on the device, the platform or the number of ranks.
 */
export function generatorFor(seed?: number): Philox {
  return seed === undefined ? shared : new Philox(seed);
}
