/** The names of a vec4's components, for unrolled code. */
export const COMPONENTS = ["x", "y", "z", "w"] as const;

/** `count` pieces of code, made from their index. */
export function repeat(count: number, code: (index: number) => string, separator = "\n"): string {
  return Array.from({ length: count }, (_, index) => code(index)).join(separator);
}

/** A uniform struct `P` of scalars, bound as `p`: members `name: type`, in the order of {@link Params}. */
export function paramsStruct(binding: number, members: readonly string[]): string {
  return `struct P { ${members.join(", ")} }\n@group(0) @binding(${binding}) var<uniform> p: P;\n`;
}

/** A storage buffer named `name` of `element`s. */
export function storageBuffer(binding: number, name: string, element: string, access = "read"): string {
  return `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${element}>;\n`;
}

/**
 * Functions over `type`: tests on the bits, because shader compilers assume that NaN does not occur.
 *
 * @param suffix of their names, where a shader needs them for two types
 */
export function nanFunctions(type: "f32" | "vec4f", suffix = ""): string {
  const u = type === "f32" ? "u32" : "vec4u";
  const b = type === "f32" ? "bool" : "vec4<bool>";
  const [isNan, nonFinite] = [`isNan${suffix}`, `nonFinite${suffix}`];
  const extremum = (name: string, builtin: string) =>
    `fn ${name}${suffix}(a: ${type}, b: ${type}) -> ${type} { return select(select(${builtin}(a, b), b, ${isNan}(b)), a, ${isNan}(a)); }`;
  return `fn ${isNan}(a: ${type}) -> ${b} { return (bitcast<${u}>(a) & ${u}(0x7fffffffu)) > ${u}(0x7f800000u); }
fn ${nonFinite}(a: ${type}) -> ${b} { return (bitcast<${u}>(a) & ${u}(0x7f800000u)) == ${u}(0x7f800000u); }
${extremum("minimum", "min")}
${extremum("maximum", "max")}
`;
}
