/**
 * The bytes of an ONNX model: a chain of 3x3 convolutions (stride 1, padding 1, no bias) that share one weight tensor,
 * from `x` to `y`, both (1, channels, height, width). Protocol buffers by hand; numbers are the fields of onnx.proto.
 */
export function convolutionChain(
  channels: number,
  height: number,
  width: number,
  weights: Float32Array,
  layers: number,
): Uint8Array {
  const shape = [1, channels, height, width];
  const tensorOf = (dims: readonly number[]) => [
    ...integer(1, FLOAT),
    ...message(2, dims.flatMap((dim) => message(1, integer(1, dim)))),
  ];
  const value = (name: string) => [...text(1, name), ...message(2, message(1, tensorOf(shape)))];
  const node = (layer: number) => [
    ...text(1, layer === 0 ? "x" : `x${layer}`),
    ...text(1, "w"),
    ...text(2, layer === layers - 1 ? "y" : `x${layer + 1}`),
    ...text(4, "Conv"),
    ...message(5, [
      ...text(1, "pads"),
      ...[1, 1, 1, 1].flatMap((pad) => integer(8, pad)),
      ...integer(20, INTS),
    ]),
  ];
  const initializer = [
    ...[channels, channels, 3, 3].flatMap((dim) => integer(1, dim)),
    ...integer(2, FLOAT),
    ...text(8, "w"),
    ...message(9, [...new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)]),
  ];
  const graph = [
    ...Array.from({ length: layers }, (_, layer) => message(1, node(layer))).flat(),
    ...text(2, "chain"),
    ...message(5, initializer),
    ...message(11, value("x")),
    ...message(12, value("y")),
  ];
  return new Uint8Array([...integer(1, 8), ...message(7, graph), ...message(8, integer(2, 17))]);
}

/** TensorProto.DataType.FLOAT */
const FLOAT = 1;
/** AttributeProto.AttributeType.INTS */
const INTS = 7;

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 | 128, ...varint(Math.floor(value / 128))];
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function message(field: number, bytes: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(bytes.length)].concat(bytes);
}

function text(field: number, value: string): number[] {
  return message(field, [...new TextEncoder().encode(value)]);
}
