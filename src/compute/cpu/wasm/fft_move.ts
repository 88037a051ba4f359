import { add, assemble, type Code, FunctionBuilder, i32, indices, type Local, repeat } from "./emitter.ts";
import { ELEMENT } from "./fft_stage.ts";
import { load, loadLane, loadSplat, store, storeLane, vmul, zero } from "./simd.ts";

/** What a module of this file moves, between the planes of real and imaginary parts and groups of four lines. */
export interface FftMoveSpec {
  /** Whether values go into a group or, scaled, out of it. */
  readonly direction: "in" | "out";
}

/**
 * The module of `lanes(line0, line1, line2, line3, step, plane, group, count, scale)`: `count` complex values of four
 * lines anywhere. Values of a line are `step` bytes apart, an imaginary part `plane` bytes behind its real part;
 * `scale` is the address of the factor for the way out.
 */
export function fftLanes(spec: FftMoveSpec): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("lanes", 9);
  const lines = f.parameters.slice(0, 4);
  const [step, plane, group, count, scale] = f.parameters.slice(4);
  const counter = f.i32();
  const [value, factor] = f.v128s(2);
  const move = (part: 0 | 1): Code => {
    const at = (line: Local) => part === 0 ? line.get : add(line.get, plane.get);
    const offset = (part * ELEMENT) / 2;
    return spec.direction === "in"
      ? [
        value.set(zero),
        lines.map((line, lane) => value.set(loadLane(at(line), value.get, lane))),
        store(group.get, value.get, offset),
      ]
      : [
        value.set(vmul(load(group.get, offset), factor.get)),
        lines.map((line, lane) => storeLane(at(line), value.get, lane)),
      ];
  };
  f.emit(
    spec.direction === "out" ? factor.set(loadSplat(scale.get)) : [],
    repeat(counter, count.get, [
      move(0),
      move(1),
      lines.map((line) => line.increase(step.get)),
      group.increase(i32(ELEMENT)),
    ]),
  );
  return assemble([f]);
}

/** A {@link fftRows} module. */
export interface FftRowsSpec extends FftMoveSpec {
  /** Groups that are moved together. */
  readonly groups: number;
}

/**
 * The module of `rows(row, step, plane, group, groupBytes, count, scale)`: as {@link fftLanes}, for 4 `groups` lines
 * side by side in memory, whose groups lie `groupBytes` apart. Sixteen lines use whole cache lines.
 */
export function fftRows(spec: FftRowsSpec): Uint8Array<ArrayBuffer> {
  const f = new FunctionBuilder("rows", 7);
  const [row, step, plane, group, groupBytes, count, scale] = f.parameters;
  const [counter, imaginary, to] = f.i32s(3);
  const factor = f.v128();
  const move = (source: Local, part: 0 | 1, g: number): Code => {
    const offset = (part * ELEMENT) / 2;
    return spec.direction === "in"
      ? store(to.get, load(source.get, 16 * g), offset)
      : store(source.get, vmul(load(to.get, offset), factor.get), 16 * g);
  };
  f.emit(
    spec.direction === "out" ? factor.set(loadSplat(scale.get)) : [],
    repeat(counter, count.get, [
      imaginary.set(add(row.get, plane.get)),
      to.set(group.get),
      indices(spec.groups).map((g) => [
        move(row, 0, g),
        move(imaginary, 1, g),
        g + 1 < spec.groups ? to.increase(groupBytes.get) : [],
      ]),
      row.increase(step.get),
      group.increase(i32(ELEMENT)),
    ]),
  );
  return assemble([f]);
}
