import { openDevice, setDefaultDevice, Tensor, TensorList } from "../src/tensor/mod.ts";
import assert from "node:assert/strict";

/** A reference record made by running deepinv: shape, float64 sum and norm, and values at flat indices. */
interface GoldenRecord {
  readonly shape: readonly number[];
  readonly sum: number;
  readonly l2: number;
  readonly at: Readonly<Record<string, number>>;
}

/** deepinv's reference values by name; some records are plain lists or tables. */
export const GOLDEN: Readonly<Record<string, unknown>> = JSON.parse(
  Deno.readTextFileSync(new URL("./fixtures/deepinv_golden.json", import.meta.url)),
);

/** Runs a test body once on each backend, each a test of its own; the GPU's fails, not skips, without an adapter. */
export function onBothDevices(name: string, body: () => void | Promise<void>): void {
  for (const device of ["cpu", "gpu"] as const) {
    Deno.test({
      name: `${name} [${device}]`,
      ignore: device === "gpu" && Deno.env.get("DEEPINV_SKIP_GPU") === "1",
      sanitizeResources: false,
      fn: async () => {
        const opened = await openDevice(device);
        setDefaultDevice(opened);
        try {
          await body();
        } finally {
          setDefaultDevice(undefined);
          opened.close();
        }
      },
    });
  }
}

/** Compares a tensor with a record: values relative to the largest one recorded, sum and norm relative to the norm. */
export async function assertGolden(actual: Tensor, name: string, tolerance: number): Promise<void> {
  const record = GOLDEN[name] as GoldenRecord;
  assert.deepEqual([...actual.shape], record.shape, `${name}: shape`);
  const values = await actual.data();
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  const largest = Math.max(record.l2 / Math.sqrt(values.length), ...Object.values(record.at).map(Math.abs));
  close(norm, record.l2, tolerance * record.l2, `${name}: norm`);
  close(
    values.reduce((sum, value) => sum + value, 0),
    record.sum,
    tolerance * record.l2 * Math.sqrt(values.length),
    `${name}: sum`,
  );
  for (const [index, value] of Object.entries(record.at)) {
    close(values[Number(index)], value, tolerance * largest, `${name}: value ${index}`);
  }
}

function close(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual} is not within ${tolerance} of ${expected}`,
  );
}

/** The test image: 0.5 + 0.25 sin(.37h + .11w + .9c + .5b) + 0.25 cos(.05hw + .3c). */
export function image(batch: number, channels: number, height: number, width: number): Tensor {
  return generate(
    [batch, channels, height, width],
    (b, c, h, w) =>
      0.5 + 0.25 * Math.sin(0.37 * h + 0.11 * w + 0.9 * c + 0.5 * b) +
      0.25 * Math.cos(0.05 * h * w + 0.3 * c),
  );
}

/** A tensor of f(indices). */
export function generate(
  shape: readonly [number, number, number, number],
  f: (b: number, c: number, h: number, w: number) => number,
): Tensor {
  const [B, C, H, W] = shape;
  const values = new Float32Array(B * C * H * W);
  let k = 0;
  for (let b = 0; b < B; b++) {
    for (let c = 0; c < C; c++) {
      for (let h = 0; h < H; h++) for (let w = 0; w < W; w++) values[k++] = f(b, c, h, w);
    }
  }
  return Tensor.from(values, shape);
}

/** The largest absolute difference between two tensors or lists. */
export async function largestDifference(a: Tensor | TensorList, b: Tensor | TensorList): Promise<number> {
  const left = a instanceof TensorList ? [...a] : [a], right = b instanceof TensorList ? [...b] : [b];
  assert.deepEqual(left.map((t) => [...t.shape]), right.map((t) => [...t.shape]));
  let largest = 0;
  for (const [i, tensor] of left.entries()) {
    const other = await right[i].data();
    (await tensor.data()).forEach((value, k) => {
      const difference = Math.abs(value - other[k]);
      if (!(difference <= largest)) largest = difference;
    });
  }
  return largest;
}
