import { generatorFor } from "../tensor/random.ts";
import type { HostParameter, ParameterShapes } from "./state_dict.ts";

/** The fan-in of a layer's weights: what one output value sums over. */
function fanIn(shape: readonly number[]): number {
  return shape.slice(1).reduce((product, extent) => product * extent, 1);
}

/** Fills new parameters; what a network keeps besides weights of convolutions comes from `rest`. */
function drawn(
  shapes: ParameterShapes,
  fill: (shape: readonly number[], data: Float32Array) => void,
  rest: (key: string) => number,
): Map<string, HostParameter> {
  return new Map([...shapes].map(([key, shape]) => {
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    if (shape.length === 4) fill(shape, data);
    else data.fill(rest(key));
    return [key, { shape, data }];
  }));
}

/** Weights uniform in +-1 / sqrt(fan in), PyTorch's default for convolutions; `rest` (default 0) for the others. */
export function uniformWeights(
  shapes: ParameterShapes,
  seed: number,
  rest: (key: string) => number = () => 0,
): Map<string, HostParameter> {
  const generator = generatorFor(seed);
  return drawn(shapes, (shape, data) => {
    const bound = 1 / Math.sqrt(fanIn(shape));
    generator.fillUniform(data);
    data.forEach((value, i) => data[i] = bound * (2 * value - 1));
  }, rest);
}

/** He's normal initialisation (2015) for weights; biases are 0. */
export function heWeights(shapes: ParameterShapes, seed: number): Map<string, HostParameter> {
  const generator = generatorFor(seed);
  return drawn(shapes, (shape, data) => {
    const deviation = Math.sqrt(2 / fanIn(shape));
    generator.fillNormal(data);
    data.forEach((value, i) => data[i] = deviation * value);
  }, () => 0);
}
