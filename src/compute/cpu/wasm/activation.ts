import type { Activation } from "../../conv_validation.ts";
import type { Code, FunctionBuilder } from "./emitter.ts";
import {
  type Arithmetic,
  powerOfTwo,
  splat,
  vadd,
  vdiv,
  vmax,
  vmin,
  vmul,
  vnearest,
  vsub,
  zero,
} from "./simd.ts";

/** Coefficients of (e^r - 1 - r) / r^2 for |r| <= ln(2) / 2, highest power first (Moshier's Cephes library, expf). */
const SERIES = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5];

/**
 * Code that applies the activation to a value and adds addends to it, in the order that the activation asks for; NaN stays
 * NaN. Variables that it needs are added to the function.
 */
export function finishCode(
  f: FunctionBuilder,
  activation: Activation | undefined,
  math: Arithmetic,
): (value: Code, addends: readonly Code[]) => Code {
  const activate = activationCode(f, activation, math);
  const sum = (value: Code, addends: readonly Code[]) =>
    addends.reduce<Code>((total, addend) => vadd(total, addend), value);
  return (value, addends) => activation?.last ? activate(sum(value, addends)) : sum(activate(value), addends);
}

/**
 * Code that applies an activation to a value.
 *
 *     elu(x) = alpha (e^x - 1) below 0,  sigmoid(x) = 1 / (2 + (e^-x - 1)),  tanh(x) = E / (E + 2), E = e^2x - 1
 */
function activationCode(
  f: FunctionBuilder,
  activation: Activation | undefined,
  math: Arithmetic,
): (value: Code) => Code {
  const { kind, alpha } = activation ?? { kind: "none" as const, alpha: 0 };
  if (kind === "none") return (value) => value;
  if (kind === "relu") return (value) => vmax(value, zero);
  const x = f.v128();
  if (kind === "leaky_relu") {
    return (value) => [x.set(value), math.madd(vmin(x.get, zero), splat(alpha), vmax(x.get, zero))];
  }
  const power = exponential(f, math);
  switch (kind) {
    case "elu":
      return (value) => [
        x.set(value),
        math.madd(power(vmin(x.get, zero)), splat(alpha), vmax(x.get, zero)),
      ];
    case "sigmoid":
      return (value) => vdiv(splat(1), vadd(power(vsub(zero, value)), splat(2)));
    case "tanh":
      return (value) => [x.set(power(vmul(value, splat(2)))), vdiv(x.get, vadd(x.get, splat(2)))];
    default:
      return kind satisfies never;
  }
}

/** e^x - 1 = 2^n (e^r - 1) + (2^n - 1) with x = n ln 2 + r, for x up to 88 and as of 88 beyond. */
function exponential(f: FunctionBuilder, math: Arithmetic): (x: Code) => Code {
  const [n, r, series, scale] = f.v128s(4);
  return (x) => [
    r.set(vmin(vmax(x, splat(-87)), splat(88))),
    n.set(vnearest(vmul(r.get, splat(Math.LOG2E)))),
    r.set(math.nmadd(n.get, splat(0.693359375), r.get)),
    r.set(math.nmadd(n.get, splat(-2.12194440e-4), r.get)),
    series.set(splat(SERIES[0])),
    SERIES.slice(1).map((c) => series.set(math.madd(series.get, r.get, splat(c)))),
    series.set(math.madd(vmul(series.get, r.get), r.get, r.get)),
    scale.set(powerOfTwo(n.get)),
    math.madd(scale.get, series.get, vsub(scale.get, splat(1))),
  ];
}
