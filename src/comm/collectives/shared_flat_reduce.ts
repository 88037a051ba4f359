import { bytesOf, dtypeOf, type TypedArray } from "../dtypes.ts";
import { combineStrided, type ReduceOp } from "../reduce_ops.ts";
import type { Lane } from "../shm/lane.ts";

/** Up to this many elements a loop costs less than a call of WebAssembly and a copy. */
const FEW = 64;

/**
 * Flat reduce of short arrays over shared memory: every rank publishes its array together with its announcement, waits
 * for everybody's and combines all of them by itself, in the order of the ranks. With a root only that one does.
 *
 * Steps: 1. Bytes written by each rank: n; read by each that receives: n P.
 */
export function sharedFlatReduce(
  lane: Lane,
  data: TypedArray,
  op: ReduceOp,
  root?: number,
): Promise<void> | undefined {
  const wait = lane.enter(data);
  if (root !== undefined && root !== lane.index) return wait;
  if (wait !== undefined) return wait.then(() => combine(lane, data, op));
  combine(lane, data, op);
  return undefined;
}

function combine(lane: Lane, data: TypedArray, op: ReduceOp): void {
  const { length } = data;
  if (length === 0) return;
  const [first, stride] = [lane.payloadAt(0), lane.payloadStride];
  const dtype = dtypeOf(data)!;
  if (length <= FEW) {
    const size = dtype.bytesPerElement;
    combineStrided(op, data, lane.view(dtype), first / size, stride / size, lane.size);
    return;
  }
  lane.kernels.reduce(op, dtype, 0, first, stride, lane.size, length);
  bytesOf(data).set(lane.bytes.subarray(0, data.byteLength));
}
