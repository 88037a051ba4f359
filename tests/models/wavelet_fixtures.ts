import { Tensor } from "../../src/tensor/mod.ts";
import { image } from "../golden.ts";

/** What PyWavelets gives; see the program beside it. */
export const FIXTURES: {
  readonly denoised: readonly {
    readonly shape: number[];
    readonly options: object;
    readonly threshold: number;
    readonly output: string;
    readonly dict?: boolean;
  }[];
  readonly norms: readonly ({
    readonly shape: number[];
    readonly wv: string[];
    readonly level: number;
  } & Readonly<Record<"0" | "1" | "inf", string>>)[];
} = JSON.parse(await Deno.readTextFile(new URL("./fixtures/wavelets_pywt.json", import.meta.url)));

/** The numbers in a text. */
export function numbersIn(text: string): Float32Array<ArrayBuffer> {
  return Float32Array.from(text.split(" "), Number);
}

/** The golden tests' image, or the fixtures' volume. */
export function picture(shape: readonly number[]): Tensor {
  if (shape.length === 4) return image(...shape as [number, number, number, number]);
  const length = shape.reduce((product, extent) => product * extent, 1);
  const value = (_: unknown, m: number) => 0.5 + 0.3 * Math.sin(0.4 * m) + 0.2 * Math.cos(0.013 * m * m);
  return Tensor.from(Float32Array.from({ length }, value), shape);
}
