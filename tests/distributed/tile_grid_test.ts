import assert from "node:assert/strict";
import { blockAxis, tileAxis, tiledDims } from "../../src/distributed/strategies/tile_grid.ts";
import { GOLDEN } from "../golden.ts";

Deno.test("overlap tiling equals deepinv's tables", () => {
  const tables = Object.entries(GOLDEN).filter(([name]) => name.startsWith("tiling "));
  assert.ok(tables.length >= 8);
  for (const [name, table] of tables) {
    const [length, patch, overlap] = name.match(/\d+/g)!.map(Number);
    const { halo, tiles } = tileAxis(length, patch, overlap);
    assert.equal(halo, overlap);
    assert.deepEqual(
      {
        padded: tiles.map((tile) => tile.padded),
        crop: tiles.map((tile) => tile.crop),
        target: tiles.map((tile) => tile.target),
      },
      table,
      name,
    );
  }
});

Deno.test("the targets of a tiling partition the axis, whatever the sizes", () => {
  for (let length = 1; length <= 40; length++) {
    for (const patch of [1, 2, 3, 8, 13, 64]) {
      for (const overlap of [0, 1, 5]) {
        const { halo, tiles } = tileAxis(length, patch, overlap);
        let at = 0;
        for (const { padded, crop, target } of tiles) {
          assert.equal(target[0], at);
          assert.equal(target[1] - target[0], crop[1] - crop[0]);
          assert.equal(padded[0] + crop[0] - halo, target[0]);
          assert.ok(padded[1] <= length + 2 * halo);
          at = target[1];
        }
        assert.equal(at, length);
      }
    }
  }
});

Deno.test("an axis no longer than a patch is one tile without a halo", () => {
  for (const patch of [16, 17, 100]) {
    const { halo, tiles } = tileAxis(16, patch, 4);
    assert.equal(halo, 0);
    assert.deepEqual(tiles, [{ padded: [0, 16], crop: [0, 16], target: [0, 16] }]);
  }
});

Deno.test("basic blocks take the remainder first", () => {
  assert.deepEqual(blockAxis(10, 3).tiles.map((tile) => tile.target), [[0, 4], [4, 7], [7, 10]]);
});

Deno.test("tiled dimensions are checked", () => {
  assert.deepEqual(tiledDims([1, 3, 8, 9]), [2, 3]);
  assert.deepEqual(tiledDims([1, 3, 8, 9], -1), [3]);
  assert.throws(() => tiledDims([1, 3, 8, 9], 4), /tilingDims/);
  assert.throws(() => tiledDims([1, 3, 8, 9], [2, 2]), /tilingDims/);
});

Deno.test("blending weights sum to one at every sample, whatever the sizes", () => {
  for (const blend of ["linear", "hann"] as const) {
    for (let length = 1; length <= 40; length++) {
      for (const patch of [1, 3, 8, 13]) {
        for (const overlap of [0, 1, 5, 20]) {
          for (const stride of [1, Math.ceil(patch / 2), patch]) {
            const sums = new Float64Array(length);
            for (
              const { target, weights, crop } of tileAxis(length, patch, overlap, { stride, blend }).tiles
            ) {
              assert.equal(crop[1] - crop[0], target[1] - target[0]);
              for (let i = target[0]; i < target[1]; i++) {
                const weight = weights?.[i - target[0]] ?? 1;
                assert.ok(weight > 0 && weight <= 1);
                sums[i] += weight;
              }
            }
            for (const sum of sums) {
              assert.ok(Math.abs(sum - 1) < 1e-6, `${length} ${patch} ${overlap} ${stride}`);
            }
          }
        }
      }
    }
  }
});

Deno.test("with a stride the targets still partition the axis", () => {
  for (const [length, patch, overlap, stride] of [[40, 8, 3, 5], [41, 8, 0, 1], [17, 16, 4, 3]]) {
    let at = 0;
    for (const { target } of tileAxis(length, patch, overlap, { stride }).tiles) {
      assert.equal(target[0], at);
      at = target[1];
    }
    assert.equal(at, length);
  }
});
