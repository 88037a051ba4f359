/**
 * Communication between the processes of a job: collectives over typed arrays and objects, useful alone.
 *
 * Under the launcher every rank runs the same script; under plain `deno run` there is one rank and no network.
 *
 * @example Sum an array over all ranks
 * ```ts
 * import assert from "node:assert/strict";
 * import { connect } from "@deepinv/distributed/comm";
 *
 * await using group = await connect();
 * const x = new Float32Array([group.rank, 1]);
 * await group.allReduce(x);
 * assert.equal(x[1], group.size); // the number of ranks
 * ```
 *
 * @module
 */

export { connect, type ConnectOptions, createProcessGroup } from "./connect.ts";
export { type CallOptions, ProcessGroup, type ReduceOptions } from "./process_group.ts";
export type { ArrayStream } from "./array_stream.ts";
export type { ReduceOp } from "./reduce_ops.ts";
export type { DtypeName, SharedArrayTypes, TypedArray } from "./dtypes.ts";
export type { TransportChoice } from "./shm/placement.ts";
export type { OperationObserver, OperationStats } from "./operation_stats.ts";
export {
  CollectiveError,
  type CollectiveErrorFields,
  CollectiveMismatchError,
  CollectiveTimeoutError,
  type FailedProcess,
  GroupClosedError,
  RankFailedError,
} from "./errors.ts";
export { LibzmqNotFoundError } from "./libzmq.ts";
export { resolveProcess } from "../cluster/resolve_process.ts";
export type { Environment, ProcessInfo } from "../cluster/process_info.ts";
