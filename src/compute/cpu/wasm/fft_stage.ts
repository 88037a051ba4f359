import { type Algebra, type Complex, dft } from "../../fft/butterfly.ts";
import {
  add,
  assemble,
  type Code,
  FunctionBuilder,
  i32,
  indices,
  type Local,
  multiply,
  repeat,
} from "./emitter.ts";
import { type Arithmetic, load, loadSplat, splat, store, vadd, vmul, vsub } from "./simd.ts";

/** Bytes of one complex value of four lines: the real parts, then the imaginary ones. */
export const ELEMENT = 32;

/** A stage of {@link fftStage}. */
export interface FftStageSpec {
  /** Values per butterfly. */
  readonly radix: number;
  /** Whether the span is greater than 1, so that values are multiplied by roots of unity first. */
  readonly rotated: boolean;
}

/**
 * The module of `stage(source, target, roots, span, groups)`: one stage (see the plan's `Stage`) of four transforms at
 * once, of radix * span * groups complex values each. `roots` holds, for every k < span and 1 <= i < radix, the pair
 * exp(-2 pi i (i k) / (radix span)).
 */
export function fftStage(spec: FftStageSpec, math: Arithmetic): Uint8Array<ArrayBuffer> {
  const { radix, rotated } = spec;
  const f = new FunctionBuilder("stage", 5);
  const [source, target, roots, span, groups] = f.parameters;
  const [k, group, from, to, at, sourceStep, targetStep] = f.i32s(7);
  const factors = rotated ? indices(radix - 1).map(() => ({ re: f.v128(), im: f.v128() })) : [];
  const { algebra, constants, body } = stageAlgebra(f, math);

  const read = indices(radix).map((i): Complex<Local> => {
    const [re, im] = f.v128s(2);
    body.push(re.set(load(at.get)), im.set(load(at.get, ELEMENT / 2)), at.increase(sourceStep.get));
    return i === 0 || !rotated ? { re, im } : product(f, math, body, { re, im }, factors[i - 1]);
  });
  const results = dft(algebra, read);
  body.push(at.set(to.get));
  for (const { re, im } of results) {
    body.push(store(at.get, re.get), store(at.get, im.get, ELEMENT / 2), at.increase(targetStep.get));
  }

  f.emit(
    targetStep.set(multiply(span.get, i32(ELEMENT))),
    sourceStep.set(multiply(targetStep.get, groups.get)),
    constants,
    repeat(k, span.get, [
      factors.map(({ re, im }, i) => [
        re.set(loadSplat(roots.get, 8 * i)),
        im.set(loadSplat(roots.get, 8 * i + 4)),
      ]),
      roots.increase(i32(8 * (radix - 1))),
      from.set(source.get),
      to.set(target.get),
      repeat(group, groups.get, [
        at.set(from.get),
        body,
        from.increase(targetStep.get),
        to.set(add(to.get, multiply(targetStep.get, i32(radix)))),
      ]),
      source.increase(i32(ELEMENT)),
      target.increase(i32(ELEMENT)),
    ]),
  );
  return assemble([f]);
}

/** x w in new variables. */
function product(
  f: FunctionBuilder,
  math: Arithmetic,
  body: Code[],
  x: Complex<Local>,
  w: Complex<Local>,
): Complex<Local> {
  const [re, im] = f.v128s(2);
  body.push(
    re.set(math.nmadd(x.im.get, w.im.get, vmul(x.re.get, w.re.get))),
    im.set(math.madd(x.im.get, w.re.get, vmul(x.re.get, w.im.get))),
  );
  return { re, im };
}

/** Appends instructions to `body`; constants are variables that `constants` sets once. */
function stageAlgebra(
  f: FunctionBuilder,
  math: Arithmetic,
): { algebra: Algebra<Local>; constants: Code[]; body: Code[] } {
  const constants: Code[] = [];
  const body: Code[] = [];
  const known = new Map<number, Local>();
  const result = (code: Code): Local => {
    const local = f.v128();
    body.push(local.set(code));
    return local;
  };
  const constant = (value: number): Code => {
    const key = Math.fround(value);
    let local = known.get(key);
    if (!local) {
      local = f.v128();
      known.set(key, local);
      constants.push(local.set(splat(key)));
    }
    return local.get;
  };
  const algebra: Algebra<Local> = {
    add: (a, b) => result(vadd(a.get, b.get)),
    sub: (a, b) => result(vsub(a.get, b.get)),
    scale: (a, by) => result(vmul(a.get, constant(by))),
    addScaled: (c, a, by) =>
      result(
        by >= 0 ? math.madd(a.get, constant(by), c.get) : math.nmadd(a.get, constant(-by), c.get),
      ),
  };
  return { algebra, constants, body };
}
