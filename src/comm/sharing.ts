/** Groups and arrays in shared memory: what their ranks tell each other to get them. */

import { InvalidArgumentError } from "../util/errors.ts";
import { requireMember } from "./arguments.ts";
import { type DtypeName, dtypeOfName, type TypedArray } from "./dtypes.ts";
import type { Deadline } from "./call.ts";
import { checksum, GroupCore } from "./group_core.ts";
import { encodeObject, objectsOf } from "./object_codec.ts";
import { StatsTable } from "./operation_stats.ts";
import { type GroupMemory, Placement, type TransportChoice } from "./shm/placement.ts";
import type { Exchange } from "./shm/share_segment.ts";
import type { World } from "./world.ts";

/** Number of the group over which the world is set up, above those of all others. */
const SETUP_GROUP = 2 ** 32 - 1;

/** Exchanges values between the members of a group in the name of a call. */
function exchangeOver(core: GroupCore, name: string, options: Deadline): Exchange {
  return async <T>(value: T) => {
    const bytes = encodeObject(value);
    const call = { operation: "allGatherObject", name } as const;
    const messages = await core.execute(call, options, (group) => group.allGather(bytes));
    return objectsOf(messages, value);
  };
}

/** Says that ranks of this host do without shared memory, or without the best way to it. */
function warn(rank: number, reasons: readonly string[], isShared: boolean): void {
  const what = isShared ? "share memory in another way than usual" : "use tcp: no shared memory";
  console.warn(`rank ${rank}: the ranks of host ${Deno.hostname()} ${what} (${reasons.join("; ")})`);
}

/**
 * Finds out which ranks share a host and gives the world its memory.
 *
 * @param world the world, before any operation; its `placement` is set
 * @param ranks all ranks
 * @param rank this rank
 * @param wanted how this rank wants to exchange bytes
 * @throws InvalidArgumentError on every rank if one insists on shared memory and not all ranks can share it
 */
export async function shareWorld(
  world: World,
  ranks: readonly number[],
  rank: number,
  wanted: TransportChoice,
): Promise<GroupMemory | undefined> {
  const setup = new GroupCore({ ...world, stats: new StatsTable() }, SETUP_GROUP, ranks, rank);
  const exchange = exchangeOver(setup, "connect", {});
  const found = await Placement.find(exchange, rank, wanted, world.transport!);
  const { placement, isRequired } = found;
  world.placement = placement;
  let why = found.problems;
  let isShared = false;
  const memory = await placement.openGroup(exchange, ranks, (reasons, shared) => {
    [why, isShared] = [reasons, shared];
  }, true);
  if (isRequired && memory?.hosts.length !== 1) {
    const reason = (await exchange(isShared ? [] : why)).flat().join("; ") ||
      "ranks on several hosts, or without Linux";
    const requirement = '"auto" or "tcp" where not all ranks can share memory';
    throw new InvalidArgumentError("connect", "transport", requirement, `"shm" with ${reason}`);
  }
  if (memory?.mailboxes !== undefined) world.transport!.useMailboxes(memory.mailboxes);
  if (why.length > 0 && found.isFirst) warn(rank, why, isShared);
  return memory;
}

/**
 * The core of a new group; every rank of the world calls it.
 *
 * @param core the world's
 * @param members world ranks in any order
 */
export async function openGroup(
  core: GroupCore,
  members: readonly number[],
  options: Deadline,
): Promise<GroupCore> {
  const ranks = [...new Set(members)].sort((a, b) => a - b);
  for (const rank of ranks) requireMember("newGroup", "ranks", rank, core.ranks);
  if (ranks.length === 0) throw new InvalidArgumentError("newGroup", "ranks", "at least one rank", "none");
  const call = { operation: "newGroup", count: checksum(ranks) } as const;
  await core.run<void>(call, options, undefined, (group) => group.barrier());
  const { world, rank } = core;
  const { placement } = world;
  const exchange = exchangeOver(core, "newGroup", options);
  const memory = placement?.isAnyShared
    ? await placement.openGroup(exchange, ranks, (reasons, isShared) => {
      if (!isShared && placement.teamOf(ranks)[0] === rank) warn(rank, reasons, isShared);
    })
    : undefined;
  return new GroupCore(world, world.nextGroup++, ranks, rank, memory);
}

/** An array of zeros that lives in the memory that the members share, if they all do; every member calls it. */
export async function shareArray(
  core: GroupCore,
  name: DtypeName,
  length: number,
  options: Deadline,
): Promise<TypedArray> {
  const dtype = dtypeOfName(name);
  if (dtype === undefined) {
    throw new InvalidArgumentError("share an array", "dtype", "the name of an element type", String(name));
  }
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new InvalidArgumentError("share an array", "length", "a whole number >= 0", String(length));
  }
  const bytes = length * dtype.bytesPerElement;
  if (!core.isShared) return dtype.view(new ArrayBuffer(bytes));
  const exchange = exchangeOver(core, "sharedArray", options);
  const sizes = await exchange(bytes);
  if (sizes.some((size) => size !== bytes)) {
    const requirement = "the same type and length on every rank";
    throw new InvalidArgumentError("share an array", "length", requirement, `${sizes.join(", ")} bytes`);
  }
  const part = await core.world.placement!.openArray(exchange, core.ranks, bytes);
  if (part instanceof Uint8Array) return dtype.view(part.buffer, part.byteOffset, length);
  const requirement = "small enough for the shared memory of this host";
  throw new InvalidArgumentError("share an array", "length", requirement, `${length}: ${part.join("; ")}`);
}
