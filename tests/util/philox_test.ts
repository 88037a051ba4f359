import assert from "node:assert/strict";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import { Philox, philox4x32 } from "../../src/util/philox.ts";

/** Known answers of the Random123 library (kat_vectors, philox4x32 10): counter, key, result. */
const KNOWN: [counter: number[], key: number[], expected: number[]][] = [
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

Deno.test("philox4x32 gives Random123's known answers", () => {
  const out = new Uint32Array(4);
  for (const [counter, key, expected] of KNOWN) {
    philox4x32(counter, key, out);
    assert.deepEqual([...out], expected);
  }
});

Deno.test("Philox: counter and key are laid out as (block, stream) and seed, low words first", () => {
  const random = new Philox(0x299f31d0_a4093822n, 0x03344 * 2 ** 32 + 0x13198a2e);
  random.seek(4 * 0x85a3_243f6a88 + 1);
  const expected = new Uint32Array(4);
  philox4x32([0x243f6a88, 0x85a3, 0x13198a2e, 0x03344], [0xa4093822, 0x299f31d0], expected);
  assert.deepEqual([random.nextUint32(), random.nextUint32(), random.nextUint32()], [
    ...expected.subarray(1),
  ]);
  assert.equal(random.position, 4 * 0x85a3_243f6a88 + 4);
});

Deno.test("Philox: values depend on seed, stream and position alone", () => {
  const take = (random: Philox, count: number) => Array.from({ length: count }, () => random.nextUint32());
  const whole = take(new Philox(7, 2), 23);
  for (const start of [22, 0, 5, 8, 3]) {
    const random = new Philox(7, 2);
    take(random, 4);
    random.seek(start);
    assert.deepEqual(take(random, 23 - start), whole.slice(start));
  }
  assert.notDeepEqual(take(new Philox(8, 2), 23), whole);
  assert.notDeepEqual(take(new Philox(7, 3), 23), whole);
  assert.deepEqual(take(new Philox(7n + 2n ** 64n, 2), 23), whole);
  assert.deepEqual(take(new Philox(-1), 4), take(new Philox(2n ** 64n - 1n), 4));
});

Deno.test("Philox: fills equal single calls, across odd lengths", () => {
  const [whole, single] = [new Philox(1), new Philox(1)];
  for (const length of [0, 1, 3, 8]) {
    const values = new Float32Array(length);
    whole.fillNormal(values);
    assert.deepEqual([...values], Array.from(values, () => Math.fround(single.normal())));
    whole.fillUniform(values);
    assert.deepEqual([...values], Array.from(values, () => single.uniform()));
  }
  assert.equal(whole.position, single.position);
});

Deno.test("Philox: moments and ranges of uniform and normal values", () => {
  const n = 100_000;
  const uniform = new Float32Array(n);
  new Philox(123).fillUniform(uniform);
  assert.ok(uniform.every((value) => value >= 0 && value < 1));
  const normal = new Float32Array(n);
  new Philox(123, 1).fillNormal(normal);
  const mean = (values: Float32Array, power: number) =>
    values.reduce((sum, value) => sum + value ** power, 0) / n;
  const near = (got: number, expected: number, tolerance: number) =>
    assert.ok(Math.abs(got - expected) < tolerance, `${got}, expected ${expected}`);
  near(mean(uniform, 1), 1 / 2, 0.005);
  near(mean(uniform, 2), 1 / 3, 0.005);
  near(mean(normal, 1), 0, 0.015);
  near(mean(normal, 2), 1, 0.02);
  near(mean(normal, 3), 0, 0.05);
  near(mean(normal, 4), 3, 0.15);
  let neighbours = 0;
  for (let i = 1; i < n; i++) neighbours += normal[i] * normal[i - 1] / n;
  near(neighbours, 0, 0.015);
});

Deno.test("Philox refuses seeds, streams and positions that are not integers", () => {
  assert.throws(() => new Philox(0.5), InvalidArgumentError);
  assert.throws(() => new Philox(NaN), InvalidArgumentError);
  assert.throws(() => new Philox(2 ** 53), InvalidArgumentError);
  assert.throws(() => new Philox(0, -1), InvalidArgumentError);
  assert.throws(
    () => new Philox(0).seek(1.5),
    /Cannot seek Philox: position must be an integer in \[0, 2\^53\)/,
  );
});
