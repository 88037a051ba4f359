import assert from "node:assert/strict";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import { colourScene, deadLeavesScene, sheppLogan, sheppLogan3D } from "../../src/util/scene.ts";

const SIZES = [[1, 1], [1, 9], [7, 3], [48, 64], [2, 400]];

for (const [name, scene] of Object.entries({ colourScene, deadLeavesScene })) {
  Deno.test(`${name} fills every size with values in [0, 1]`, () => {
    for (const [height, width] of SIZES) {
      const data = scene(height, width, 3);
      assert.equal(data.length, 3 * height * width);
      assert.ok(data.every((value) => value >= 0 && value <= 1 + 1e-6));
    }
  });

  Deno.test(`${name} depends on its seed alone`, () => {
    assert.deepEqual(scene(24, 32, 5), scene(24, 32, 5));
    assert.notDeepEqual(scene(24, 32, 5), scene(24, 32, 6));
  });

  Deno.test(`${name} has colour, contrast and sharp edges`, () => {
    const [height, width] = [96, 96];
    const data = scene(height, width, 1);
    const plane = height * width;
    let [jumps, colourful] = [0, 0];
    for (let p = 0; p < plane; p++) {
      if (p % width > 0 && Math.abs(data[p] - data[p - 1]) > 0.2) jumps++;
      if (Math.abs(data[p] - data[2 * plane + p]) > 0.15) colourful++;
    }
    assert.ok(jumps > 0.02 * plane, `${jumps} jumps`);
    assert.ok(colourful > 0.2 * plane, `${colourful} colourful pixels`);
  });

  Deno.test(`${name} refuses sizes that are not positive integers`, () => {
    assert.throws(() => scene(0, 4, 0), InvalidArgumentError);
    assert.throws(() => scene(4, 1.5, 0), /width must be a positive integer, got 1\.5/);
  });
}

Deno.test("colourScene is the same picture at two resolutions", () => {
  const [small, large] = [colourScene(64, 64, 2), colourScene(128, 128, 2)];
  let difference = 0;
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < 64; y++) {
      for (let x = 0; x < 64; x++) {
        let mean = 0;
        for (const at of [0, 1, 128, 129]) mean += large[c * 128 ** 2 + 256 * y + 2 * x + at] / 4;
        difference += Math.abs(mean - small[c * 64 ** 2 + 64 * y + x]) / (3 * 64 ** 2);
      }
    }
  }
  assert.ok(difference < 0.03, `mean difference ${difference}`);
});

Deno.test("sheppLogan has Toft's contrasts at known places", () => {
  const n = 201;
  const data = sheppLogan(n);
  const at = (x: number, y: number) => data[Math.round((1 - y) * 100) * n + Math.round((1 + x) * 100)];
  const near = (got: number, expected: number) =>
    assert.ok(Math.abs(got - expected) < 1e-6, `${got}, ${expected}`);
  near(at(-1, 1), 0); // outside
  near(at(0, 0.9), 1); // skull
  near(at(0.5, 0), 0.2); // brain
  near(at(0.22, 0), 0); // right ventricle
  near(at(-0.22, 0), 0); // left ventricle
  near(at(0, 0.5), 0.3); // the large ellipse above
  near(at(0, -0.1), 0.3); // a small one
  near(at(0.06, -0.605), 0.3);
  assert.deepEqual([...sheppLogan(1)], [at(0, 0)]);
  assert.throws(() => sheppLogan(0), /n must be a positive integer, got 0/);
});

Deno.test("sheppLogan3D is the phantom's ellipsoids", () => {
  const n = 51, volume = sheppLogan3D(n), plane = sheppLogan(n);
  const at = (x: number, y: number, z: number) =>
    volume[(Math.round((1 + z) * 25) * n + Math.round((1 - y) * 25)) * n + Math.round((1 + x) * 25)];
  const near = (got: number, expected: number) => assert.ok(Math.abs(got - expected) < 1e-6, `${got}`);
  assert.equal(volume.length, n ** 3);
  assert.ok(volume.every((value) => value >= 0 && value <= 1));
  near(at(0, 0, 0.8), 1); // skull, above
  near(at(0, 0, 0.6), 0.2); // brain
  near(at(0, 0, 0.9), 0); // outside
  near(at(0.24, 0, 0), 0); // right ventricle
  near(at(0.24, 0, 0.4), 0.2); // above it
  near(at(0, 0.36, -0.16), 0.3); // the large ellipsoid
  near(at(0, 0.12, 0.24), 0.3); // a small one
  const middle = volume.subarray(25 * n * n, 26 * n * n);
  const same = middle.reduce((count, value, k) => count + (Math.abs(value - plane[k]) < 1e-6 ? 1 : 0), 0);
  assert.ok(same > 0.97 * n * n, `${same} of ${n * n} pixels of the middle slice are the image's`);
  assert.deepEqual([...sheppLogan3D(1)], [at(0, 0, 0)]);
  assert.throws(() => sheppLogan3D(0), /n must be a positive integer, got 0/);
});

Deno.test("sheppLogan's ventricles lean outwards at the top", () => {
  const n = 201;
  const data = sheppLogan(n);
  const centreOf = (row: number, from: number, to: number) => {
    const dark = Array.from({ length: to - from }, (_, i) => from + i).filter((x) =>
      data[row * n + x] < 0.05
    );
    return dark.reduce((sum, x) => sum + x, 0) / dark.length;
  };
  assert.ok(centreOf(85, 105, 150) > centreOf(115, 105, 150), "right");
  assert.ok(centreOf(85, 50, 96) < centreOf(115, 50, 96), "left");
});
