import { assemble, FunctionBuilder, i32, repeat } from "./emitter.ts";
import { ELEMENT } from "./fft_stage.ts";
import { type Arithmetic, load, loadSplat, store, vmul, vsub, zero } from "./simd.ts";

/** A {@link fftMultiply} module. */
export interface FftMultiplySpec {
  /** Whether the values are conjugated first. */
  readonly conjugate: boolean;
}

/**
 * The module of `multiply(source, factors, target, count)`: `count` complex values of four lines, times one factor each
 * (pairs real, imaginary) for all four. May run in place.
 */
export function fftMultiply(spec: FftMultiplySpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("multiply", 4);
  const [source, factors, target, count] = f.parameters;
  const counter = f.i32();
  const [re, im, cos, sin] = f.v128s(4);
  f.emit(
    repeat(counter, count.get, [
      re.set(load(source.get)),
      im.set(spec.conjugate ? vsub(zero, load(source.get, ELEMENT / 2)) : load(source.get, ELEMENT / 2)),
      cos.set(loadSplat(factors.get)),
      sin.set(loadSplat(factors.get, 4)),
      store(target.get, math.nmadd(im.get, sin.get, vmul(re.get, cos.get))),
      store(target.get, math.madd(im.get, cos.get, vmul(re.get, sin.get)), ELEMENT / 2),
      source.increase(i32(ELEMENT)),
      factors.increase(i32(8)),
      target.increase(i32(ELEMENT)),
    ]),
  );
  return assemble([f]);
}
