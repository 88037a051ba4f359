import assert from "node:assert/strict";
import type { ConvSpec } from "../../src/compute/conv_engine.ts";
import { applyToPlanes } from "../../src/compute/conv_planes.ts";
import { CpuDevice } from "../../src/compute/cpu/device.ts";
import { InvalidArgumentError } from "../../src/util/errors.ts";
import { layerReference, randomValues, relativeError, upload } from "./oracle.ts";

/** Planes before and behind the image, which must stay as they are. */
const MARGIN = 5;

async function run(threads: number, spec: ConvSpec, height: number, width: number): Promise<Float32Array> {
  const device = new CpuDevice({ threads });
  const weights = randomValues(spec.inChannels * spec.outChannels, 3);
  const layer = device.conv.prepare(spec, weights, randomValues(spec.outChannels, 4));
  const x = upload(device, randomValues(MARGIN + spec.inChannels * height * width, 1));
  const y = upload(device, new Float32Array(2 * MARGIN + spec.outChannels * height * width).fill(7));
  const [source, target] = [{ buffer: x, offset: MARGIN }, { buffer: y, offset: MARGIN }];
  applyToPlanes(device.conv, layer, source, height, width, target);
  const result = await device.read(y);
  assert.throws(
    () => applyToPlanes(device.conv, layer, source, height, width, { buffer: y, offset: 2 * MARGIN + 1 }),
    InvalidArgumentError,
  );
  device.conv.discard(layer);
  for (const buffer of [x, y]) device.release(buffer);
  assert.equal(device.memory().live, 0);
  device.close();
  return result;
}

Deno.test("1x1 layers from planes to planes: by the definition, same bits for any number of threads", async () => {
  const shapes = [[1, 1, 1, 1], [3, 5, 7, 9], [64, 66, 37, 41], [130, 7, 100, 1], [6, 200, 50, 61]];
  for (const [inChannels, outChannels, height, width] of shapes) {
    const spec = { kernel: 1, inChannels, outChannels, bias: true, activation: "relu", addends: 0 } as const;
    const results: Float32Array[] = [];
    for (const threads of [1, 2, 3]) results.push(await run(threads, spec, height, width));
    for (const result of results.slice(1)) assert.deepEqual(result, results[0]);
    const expected = layerReference(
      spec,
      height,
      width,
      randomValues(MARGIN + inChannels * height * width, 1).slice(MARGIN),
      randomValues(inChannels * outChannels, 3),
      randomValues(outChannels, 4),
      [],
    );
    const [result] = results;
    assert.ok(relativeError(result.slice(MARGIN, -MARGIN), expected) < 2e-5);
    for (const edge of [result.slice(0, MARGIN), result.slice(-MARGIN)]) {
      assert.ok(edge.every((v) => v === 7));
    }
  }
});
