/** The two levels of a group whose members are on several hosts: who is where, and who leads each host. */

import type { Channel } from "../channel.ts";
import type { Collectives } from "./collectives.ts";

/** What one operation of a group on several hosts runs on. */
export interface Levels {
  /** Between all members. */
  readonly channel: Channel;
  /** Positions of the members on each host, ascending. */
  readonly hosts: readonly (readonly number[])[];
  /**
   * The next step over the memory of this host, which all of its members take; unset if this rank is alone there. Messages
   * state this element type instead of the operation's, if it is given.
   */
  readonly inside: ((dtype?: number) => Collectives) | undefined;
  /**
   * Attends the wire until `messages` are through. A rank that waits in shared memory had better not: it would sleep at one
   * place while the other has something for it.
   */
  readonly attend: <T>(messages: Promise<T>) => Promise<T>;
  /** Element type code of the operation; 0 if this rank does not know it. */
  readonly dtype: number;
}

/** Who does what in an operation. */
export interface Roles {
  /** Positions of the members on this rank's host. */
  readonly members: readonly number[];
  /** The leader of this host, counted among {@link members}. */
  readonly leader: number;
  /** Whether this rank leads its host. */
  readonly isLeader: boolean;
  /** Between the leaders. */
  readonly outside: Channel;
  /** Positions of the members on the host of each leader, in the order of {@link outside}. */
  readonly hosts: readonly (readonly number[])[];
  /** The root, counted among the leaders; 0 without one. */
  readonly outsideRoot: number;
}

/** Roles with the first member of each host as its leader, except that the root leads its own. */
export function rolesOf({ channel, hosts }: Levels, root?: number): Roles {
  const led = hosts.map((members) => {
    return { members, head: root !== undefined && members.includes(root) ? root : members[0] };
  });
  // Channels count positions in the order of ranks.
  led.sort((a, b) => a.head - b.head);
  const { members, head } = led.find((host) => host.members.includes(channel.index))!;
  return {
    ...{ members, leader: members.indexOf(head), isLeader: head === channel.index },
    outside: channel.between(led.map((host) => host.head)),
    hosts: led.map((host) => host.members),
    outsideRoot: root === undefined ? 0 : led.findIndex((host) => host.head === root),
  };
}
