import assert from "node:assert/strict";
import { Arena } from "../../src/compute/cpu/arena.ts";
import { correlate } from "../../src/compute/cpu/correlate.ts";
import type { CorrelateKernel } from "../../src/compute/kernel.ts";
import { random, relativeError } from "./cpu_reference.ts";

const GUARD = 16;

function kernel(shape: Partial<CorrelateKernel>): CorrelateKernel {
  return {
    kind: "correlate",
    batch: 1,
    channels: 1,
    height: 1,
    width: 1,
    filterBatch: 1,
    filterChannels: 1,
    filterHeight: 1,
    filterWidth: 1,
    flip: false,
    ...shape,
  };
}

function reference(k: CorrelateKernel, x: Float32Array, h: Float32Array): Float64Array {
  const [oh, ow] = [k.height - k.filterHeight + 1, k.width - k.filterWidth + 1];
  const out = new Float64Array(k.batch * k.channels * oh * ow);
  const taps = k.filterHeight * k.filterWidth;
  for (let n = 0, at = 0; n < k.batch; n++) {
    for (let c = 0; c < k.channels; c++) {
      const filter = ((k.filterBatch === 1 ? 0 : n) * k.filterChannels + (k.filterChannels === 1 ? 0 : c)) *
        taps;
      for (let i = 0; i < oh; i++) {
        for (let j = 0; j < ow; j++, at++) {
          for (let tap = 0; tap < taps; tap++) {
            const [u, v] = [Math.floor(tap / k.filterWidth), tap % k.filterWidth];
            const weight = h[filter + (k.flip ? taps - 1 - tap : tap)];
            out[at] += weight * x[((n * k.channels + c) * k.height + i + u) * k.width + j + v];
          }
        }
      }
    }
  }
  return out;
}

/** Runs a kernel on operands in the arena or on the heap, checks it, and that nothing around the output changed. */
function check(k: CorrelateKernel, place: "arena" | "heap" = "arena"): void {
  const arena = new Arena();
  const array = (length: number) =>
    place === "heap" ? new Float32Array(length) : arena.view(arena.reserve(4 * length), length);
  const x = array(k.batch * k.channels * k.height * k.width);
  const h = array(k.filterBatch * k.filterChannels * k.filterHeight * k.filterWidth);
  x.set(random(x.length, 1));
  h.set(random(h.length, 2));
  const expected = reference(k, x, h);
  const guarded = array(expected.length + 2 * GUARD).fill(42);
  const out = guarded.subarray(GUARD, GUARD + expected.length);
  const live = arena.live;
  correlate(arena, k, x, h, out);
  const text = JSON.stringify(k);
  assert.ok(relativeError(out, expected) <= 5e-6, `${text}: ${relativeError(out, expected)}`);
  const around = [...guarded.subarray(0, GUARD), ...guarded.subarray(GUARD + expected.length)];
  assert.ok(around.every((value) => value === 42), `${text} wrote outside its output`);
  assert.equal(arena.live, live);
}

Deno.test("correlation matches its definition at every width and height", () => {
  for (let width = 1; width <= 34; width++) check(kernel({ height: 3, width }));
  for (let height = 1; height <= 10; height++) check(kernel({ height, width: 29, filterWidth: 2 }));
  for (const [filterHeight, filterWidth] of [[1, 25], [25, 1], [5, 3], [4, 6], [25, 25]]) {
    for (const [height, width] of [[25, 25], [26, 27], [31, 29], [41, 53]]) {
      check(kernel({ height, width, filterHeight, filterWidth }));
    }
  }
});

Deno.test("filters broadcast over batch and channels, and flip", () => {
  for (const flip of [false, true]) {
    for (const filterBatch of [1, 2]) {
      for (const filterChannels of [1, 3]) {
        for (const width of [5, 40]) {
          const filter = { filterBatch, filterChannels, filterHeight: 2, filterWidth: 4, flip };
          check(kernel({ batch: 2, channels: 3, height: 9, width, ...filter }));
        }
      }
    }
  }
});

Deno.test("operands may lie on the heap", () => {
  for (const width of [4, 6, 7, 61]) {
    const filter = { filterBatch: 2, filterChannels: 3, filterHeight: 3, filterWidth: 4, flip: true };
    check(kernel({ batch: 2, channels: 3, height: 38, width, ...filter }), "heap");
  }
});

Deno.test("empty outputs are left alone", () => {
  for (
    const shape of [{ batch: 0, width: 8 }, { height: 2, filterHeight: 3, width: 8 }, { filterWidth: 2 }]
  ) {
    correlate(new Arena(), kernel(shape), new Float32Array(16), new Float32Array(9), new Float32Array(0));
  }
});
