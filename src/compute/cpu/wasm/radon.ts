import {
  add,
  and,
  assemble,
  type Code,
  divide,
  FunctionBuilder,
  greater,
  i32,
  multiply,
  repeat,
  repeatMaybe,
  subtract,
  when,
} from "./emitter.ts";
import { pixel, Ray } from "./rays.ts";
import {
  type Arithmetic,
  loadSplat,
  shuffle,
  simd,
  splat,
  storeLane,
  unpack,
  vadd,
  vmul,
  vsub,
  zero,
} from "./simd.ts";
import {
  add64,
  addInt64,
  loadHalf,
  loadUpper,
  multiply64,
  pack,
  splat64,
  storeHalf,
  subtract64,
  swap,
} from "./simd64.ts";

const constant = (values: ArrayBufferView<ArrayBuffer>): Code => [0xfd, 12, ...new Uint8Array(values.buffer)];
/** Adds lane 0 of a float64 pair to a value in memory. A vector would have to wait for the last stores of its halves. */
const deposit = (address: Code, offset: number, value: Code): Code =>
  storeHalf(address, add64(loadHalf(address, offset), value), offset);

/**
 * The module of `project(image, rowBytes, parameters, direction, out, outStep, rays)`: sums over the samples of `rays` rays
 * of a view, by bilinear interpolation in the bordered float32 image, two samples at a time; sums in float64.
 */
export function project(_spec: unknown, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("project", 7);
  const [image, rowBytes, parameters, direction, out, outStep, rays] = f.parameters;
  const [ray, counter, first, second] = f.i32s(4);
  const [next, twice, whole, part, top, bottom, sum] = f.v128s(7);
  const samples = new Ray(f);
  const { position, step, count } = samples;
  const weights = math.madd(
    shuffle(part.get, part.get, [0, 0, 2, 2]),
    constant(Float32Array.of(-1, 1, -1, 1)),
    constant(Float32Array.of(1, 0, 1, 0)),
  );
  /** Leaves in `top` the products of two samples, two to each. */
  const sample: Code = [
    whole.set(shuffle(position.get, next.get, [1, 3, 5, 7])),
    part.set(vmul(simd(0xfb, shuffle(position.get, next.get, [0, 2, 4, 6])), splat(2 ** -32))),
    first.set(pixel(image.get, whole, rowBytes.get, 4, [0, 1])),
    second.set(pixel(image.get, whole, rowBytes.get, 4, [2, 3])),
    top.set(loadUpper(second.get, loadHalf(first.get))),
    bottom.set(loadUpper(add(second.get, rowBytes.get), loadHalf(add(first.get, rowBytes.get)))),
    top.set(math.madd(
      shuffle(part.get, part.get, [1, 1, 3, 3]),
      vsub(bottom.get, top.get),
      top.get,
    )),
    top.set(vmul(weights, top.get)),
  ];
  f.emit(
    samples.begin(parameters.get, direction.get),
    repeatMaybe(ray, rays.get, [
      samples.next(parameters.get),
      sum.set(zero),
      when(greater(count.get, i32(0)), [
        next.set(addInt64(position.get, step.get)),
        twice.set(addInt64(step.get, step.get)),
        repeatMaybe(counter, divide(count.get, i32(2)), [
          sample,
          sum.set(add64(sum.get, unpack(vadd(top.get, shuffle(top.get, top.get, [2, 3, 0, 1]))))),
          Ray.move(position, twice),
          Ray.move(next, twice),
        ]),
        when(and(count.get, i32(1)), [
          next.set(position.get),
          sample,
          sum.set(add64(sum.get, unpack(top.get))),
        ]),
      ]),
      sum.set(pack(add64(sum.get, swap(sum.get)))),
      storeLane(out.get, sum.get, 0),
      out.increase(outStep.get),
    ]),
  );
  return assemble([f]);
}

/**
 * The module of `spread(image, rowBytes, top, parameters, direction, values, valueStep, rays)`: the transpose of
 * {@link project} into rows of a float64 image, of which `image` holds those from `top` on.
 */
export function spread(): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("spread", 8);
  const [image, rowBytes, first, parameters, direction, values, valueStep, rays] = f.parameters;
  const [ray, counter, at, below, base] = f.i32s(5);
  const [value, offset, slope, part, upper, lower] = f.v128s(6);
  const samples = new Ray(f);
  const { position, step, count } = samples;
  f.emit(
    base.set(subtract(image.get, multiply(first.get, rowBytes.get))),
    samples.begin(parameters.get, direction.get),
    repeatMaybe(ray, rays.get, [
      samples.next(parameters.get),
      when(greater(count.get, i32(0)), [
        value.set(unpack(loadSplat(values.get))),
        offset.set(multiply64(value.get, constant(Float64Array.of(1, 0)))),
        slope.set(multiply64(value.get, constant(Float64Array.of(-(2 ** -32), 2 ** -32)))),
        repeat(counter, count.get, [
          at.set(pixel(base.get, position, rowBytes.get, 8, [1, 3])),
          below.set(add(at.get, rowBytes.get)),
          part.set(simd(0xff, shuffle(position.get, position.get, [0, 2, 0, 2]))),
          upper.set(add64(offset.get, multiply64(slope.get, shuffle(part.get, part.get, [0, 1, 0, 1])))),
          lower.set(
            multiply64(multiply64(upper.get, splat64(2 ** -32)), shuffle(part.get, part.get, [2, 3, 2, 3])),
          ),
          upper.set(subtract64(upper.get, lower.get)),
          deposit(at.get, 0, upper.get),
          deposit(at.get, 8, swap(upper.get)),
          deposit(below.get, 0, lower.get),
          deposit(below.get, 8, swap(lower.get)),
          Ray.move(position, step),
        ]),
      ]),
      values.increase(valueStep.get),
    ]),
  );
  return assemble([f]);
}
