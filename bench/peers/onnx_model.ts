/**
 * The bytes of an ONNX model of a {@link LayerGraph}, from `x` (1, channels, size, size) to `y`. Protocol buffers by hand;
 * numbers are the fields of onnx.proto.
 */
import { GEOMETRY, type GraphLayer, type LayerGraph } from "../support/layer_graph.ts";

/** See above. */
export function onnxModel(graph: LayerGraph): Uint8Array<ArrayBuffer> {
  const { channels, size, layers, weights } = graph;
  const last = layers.at(-1)!;
  const named = (name: string) => name === last.output ? "y" : name;
  const nodes = layers.flatMap((layer) => nodesOf(layer, named).map((node) => message(1, node)));
  const shapes = new Map(layers.map((layer) => [layer.weights, weightShape(layer)]));
  const initializers = [...weights].map(([name, data]) =>
    message(5, [
      ...shapes.get(name)!.map((dim) => integer(1, dim)),
      integer(2, FLOAT),
      text(8, name),
      message(9, [new Uint8Array(data.buffer)]),
    ])
  );
  const value = (name: string, count: number, side: number) => {
    const dims = [1, count, side, side].map((dim) => message(1, [integer(1, dim)]));
    return [text(1, name), message(2, [message(1, [integer(1, FLOAT), message(2, dims)])])];
  };
  return join([
    integer(1, 8),
    message(7, [
      ...nodes,
      text(2, "graph"),
      ...initializers,
      message(11, value("x", channels, size)),
      message(12, value("y", last.outChannels, graph.outSize)),
    ]),
    message(8, [integer(2, 17)]),
  ]);
}

type Bytes = Uint8Array<ArrayBuffer>;

/** TensorProto.DataType.FLOAT */
const FLOAT = 1;
/** AttributeProto.AttributeType.INTS */
const INTS = 7;

function weightShape({ op, inChannels, outChannels }: GraphLayer): number[] {
  const { kernel, transposed } = GEOMETRY[op];
  return [...(transposed ? [inChannels, outChannels] : [outChannels, inChannels]), kernel, kernel];
}

/** A convolution, then a ReLU, then additions. */
function nodesOf(layer: GraphLayer, named: (name: string) => string): Bytes[][] {
  const { op, relu, addends } = layer;
  const output = named(layer.output);
  const last = (relu ? 1 : 0) + addends.length;
  const step = (i: number) => i === last ? output : `${output}_${i}`;
  const { stride, padding, dilation, transposed } = GEOMETRY[op];
  const attributes = [
    ints("pads", [padding, padding, padding, padding]),
    ints("strides", [stride, stride]),
    ints("dilations", [dilation, dilation]),
  ];
  const nodes = [
    node(transposed ? "ConvTranspose" : "Conv", [layer.input, layer.weights], step(0), attributes),
  ];
  if (relu) nodes.push(node("Relu", [step(0)], step(1)));
  addends.forEach((addend) => {
    const i = nodes.length;
    nodes.push(node("Add", [step(i - 1), addend], step(i)));
  });
  return nodes;
}

function node(type: string, inputs: readonly string[], output: string, attributes: Bytes[] = []): Bytes[] {
  return [...inputs.map((name) => text(1, name)), text(2, output), text(4, type), ...attributes];
}

function ints(name: string, values: readonly number[]): Bytes {
  return message(5, [text(1, name), ...values.map((value) => integer(8, value)), integer(20, INTS)]);
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 | 128, ...varint(Math.floor(value / 128))];
}

function integer(field: number, value: number): Bytes {
  return new Uint8Array([...varint(field * 8), ...varint(value)]);
}

function message(field: number, parts: readonly Bytes[]): Bytes {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return join([new Uint8Array([...varint(field * 8 + 2), ...varint(length)]), ...parts]);
}

function text(field: number, value: string): Bytes {
  return message(field, [new TextEncoder().encode(value)]);
}

function join(parts: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
