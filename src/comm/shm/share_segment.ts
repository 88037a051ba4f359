/** How ranks of one host come to map the same segment. */

import type { Libc } from "./libc.ts";
import {
  createSegment,
  mapSegment,
  type Mechanism,
  MECHANISMS,
  type NewSegment,
  openSegment,
  type Segment,
  sign,
  type Ticket,
} from "./segment.ts";
import { cString } from "./libc.ts";

/** Gives everybody's value by position, on every rank that takes part. */
export type Exchange = <T>(value: T) => Promise<T[]>;

/** What this rank wants to share. */
export interface SegmentWish {
  /** Positions in the exchange of those who share the segment, ascending, this rank among them. */
  readonly team: readonly number[];
  /** Position of this rank in the exchange. */
  readonly position: number;
  /** Bytes of the segment. */
  readonly bytes: number;
}

/** What came of a wish. */
export interface Shared {
  /** Unset if there is none for the whole team. */
  readonly segment: Segment | undefined;
  /** Why mechanisms failed, without those that may not be tried if another one worked. */
  readonly reasons: readonly string[];
}

/** Limits the mechanisms that are tried, separated by commas; for tests and for sites where one misbehaves. */
const MECHANISMS_VARIABLE = "DEEPINV_SHM_MECHANISMS";
const NOT_ALLOWED = "not allowed";

/**
 * Tries one mechanism after the other until every team has its segment: the first of a team makes and offers it, the
 * others open it, and all tell whether they could. Everybody in the exchange takes part, also with nothing to share.
 *
 * @param libc the C library; unset where there is none
 * @param wish what to share; unset for nothing
 */
export async function shareSegment(
  exchange: Exchange,
  libc: Libc | undefined,
  wish: SegmentWish | undefined,
): Promise<Shared> {
  const allowed = Deno.env.get(MECHANISMS_VARIABLE)?.split(",").map((name) => name.trim());
  const reasons: string[] = [];
  let segment: Segment | undefined;
  for (const mechanism of MECHANISMS) {
    const attempt = segment !== undefined || wish === undefined
      ? { isSettled: await skip(exchange), segment }
      : await tryOne(exchange, libc, wish, mechanism, allowed?.includes(mechanism) ?? true, reasons);
    segment = attempt.segment;
    if (attempt.isSettled) break;
  }
  const failed = reasons.filter((reason) => segment === undefined || !reason.endsWith(NOT_ALLOWED));
  return { segment, reasons: failed };
}

/** One round of somebody who needs nothing. */
async function skip(exchange: Exchange): Promise<boolean> {
  await exchange<Ticket | string>("");
  return isSettled(await exchange<string>(""));
}

function isSettled(results: readonly string[]): boolean {
  return results.every((reason) => reason === "");
}

async function tryOne(
  exchange: Exchange,
  libc: Libc | undefined,
  { team, position, bytes }: SegmentWish,
  mechanism: Mechanism,
  isAllowed: boolean,
  reasons: string[],
): Promise<{ isSettled: boolean; segment: Segment | undefined }> {
  let made: NewSegment | string = "";
  try {
    if (position === team[0]) {
      made = libc === undefined
        ? "no C library"
        : isAllowed
        ? createSegment(libc, mechanism, bytes)
        : `${mechanism}: ${NOT_ALLOWED}`;
    }
    let own: Segment | string = typeof made === "string" ? made : mapSegment(libc!, made.descriptor, bytes);
    if (typeof made !== "string" && typeof own !== "string") sign(own, made.ticket.token);
    const offer: Ticket | string = typeof made === "string"
      ? made
      : typeof own === "string"
      ? own
      : made.ticket;
    const ticket = (await exchange<Ticket | string>(offer))[team[0]];
    if (typeof ticket === "string") own = ticket || "nothing was offered";
    else if (position !== team[0]) own = libc === undefined ? "no C library" : openSegment(libc, ticket);
    const results = await exchange<string>(typeof own === "string" ? own : "");
    const failed = team.map((member) => results[member]).find((reason) => reason !== "");
    if (failed !== undefined) reasons.push(failed);
    const segment = failed !== undefined || typeof own === "string" ? undefined : own;
    return { isSettled: isSettled(results), segment };
  } finally {
    if (typeof made !== "string") {
      libc!.close(made.descriptor);
      if (made.ticket.named) libc!.unlink(cString(made.ticket.path));
    }
  }
}
