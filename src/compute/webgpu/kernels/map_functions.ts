import type { MapFunction } from "../../kernel.ts";

/**
 * The elementwise functions as WGSL over `T` (f32 or vec4f): inputs a, b, c; scalars s, t as `T`. NaN passes through
 * minimum, maximum, clamp, relu and sign, as in PyTorch.
 */
export const MAP_EXPRESSIONS: Readonly<Record<MapFunction, string>> = {
  fill: "s",
  copy: "a",
  neg: "-a",
  abs: "abs(a)",
  square: "a * a",
  sqrt: "sqrt(a)",
  exp: "exp(a)",
  log: "log(a)",
  sin: "sin(a)",
  cos: "cos(a)",
  sign: "select(sign(a), a, isNan(a))",
  relu: "maximum(a, T(0))",
  affine: "s * a + t",
  reciprocal: "s / a",
  power: "select(select(pow(a, s), T(1), s == T(0)), a, isNan(a) & (s != T(0)))",
  clamp: "select(min(max(a, s), t), a, isNan(a))",
  nonFinite: "select(T(0), T(1), nonFinite(a))",
  add: "a + b",
  sub: "a - b",
  mul: "a * b",
  div: "a / b",
  minimum: "minimum(a, b)",
  maximum: "maximum(a, b)",
  axpy: "a + s * b",
  greater: "select(T(0), T(1), a > b)",
  greaterEqual: "select(T(0), T(1), a >= b)",
  equal: "select(T(0), T(1), a == b)",
  where: "select(b, c, a == T(0))",
};
