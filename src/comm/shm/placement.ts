/** Which ranks run on one host and can share memory, and the memory of each group. */

import { InvalidArgumentError } from "../../util/errors.ts";
import type { Watch } from "./flags.ts";
import { Lane } from "./lane.ts";
import { laneBytes } from "./lane_layout.ts";
import { mailboxBytes, Mailboxes } from "./mailboxes.ts";
import { type Libc, loadLibc, readText } from "./libc.ts";
import { MAX_SEGMENT_BYTES } from "./segment.ts";
import { type Exchange, shareSegment } from "./share_segment.ts";
import { sharedArrayBytes, SharedArrays } from "./shared_arrays.ts";

/** How a rank wants to exchange bytes. */
export type TransportChoice = "auto" | "tcp" | "shm";

/** The shared memory of a group, on one of its ranks. */
export interface GroupMemory {
  /** Shared with the members on this host; unset if this rank is alone there. */
  readonly lane: Lane | undefined;
  /** For messages between the same members, if they were wanted and there are not too many members. */
  readonly mailboxes: Mailboxes | undefined;
  /** Positions in the group of the members on each host, ascending; a host without shared memory counts as several. */
  readonly hosts: readonly (readonly number[])[];
}

interface Introduction {
  /** The same for ranks that can share memory. */
  readonly host: string;
  readonly name: string;
  readonly wanted: TransportChoice;
}

/** What the ranks found out about each other. */
export interface Findings {
  readonly placement: Placement;
  /** Whether some rank insists on shared memory. */
  readonly isRequired: boolean;
  /** Why this rank cannot share memory with others on its host; empty if it can, does not want to or is alone. */
  readonly problems: readonly string[];
  /** Whether this rank is the first on its host. */
  readonly isFirst: boolean;
}

/** See the file's description. */
export class Placement {
  /** Arrays that live in shared memory. */
  readonly arrays: SharedArrays = new SharedArrays();
  readonly #hosts: readonly string[];
  readonly #libc: Libc | undefined;
  readonly #rank: number;
  readonly #watch: Watch;

  private constructor(hosts: readonly string[], rank: number, watch: Watch, libc: Libc | undefined) {
    this.#hosts = hosts;
    this.#rank = rank;
    this.#watch = watch;
    this.#libc = libc;
  }

  /**
   * Finds out who shares a host; every rank of the world takes part.
   *
   * @param exchange between all ranks of the world
   * @param rank this rank
   * @param wanted how this rank wants to exchange bytes
   * @param watch ends waits
   */
  static async find(
    exchange: Exchange,
    rank: number,
    wanted: TransportChoice,
    watch: Watch,
  ): Promise<Findings> {
    const loaded = wanted === "tcp" ? undefined : loadLibc();
    const libc = typeof loaded === "string" ? undefined : loaded;
    const name = Deno.hostname();
    const boot = libc === undefined ? "" : readText(libc, "/proc/sys/kernel/random/boot_id");
    // Ranks that cannot or do not want to share are on hosts of their own.
    const host = libc === undefined ? `rank ${rank}` : `${name} ${boot}`;
    const all = await exchange<Introduction>({ host, name, wanted });
    const neighbours = all.flatMap((other, at) => other.name === name ? [at] : []);
    return {
      placement: new Placement(all.map((other) => other.host), rank, watch, libc),
      isRequired: all.some((other) => other.wanted === "shm"),
      problems: typeof loaded === "string" && neighbours.length > 1 ? [loaded] : [],
      isFirst: neighbours[0] === rank,
    };
  }

  /** Whether any two ranks of the world are on one host. */
  get isAnyShared(): boolean {
    return new Set(this.#hosts).size < this.#hosts.length;
  }

  /** The members of a group that are on this rank's host. */
  teamOf(ranks: readonly number[]): number[] {
    return ranks.filter((rank) => this.#hosts[rank] === this.#hosts[this.#rank]);
  }

  /**
   * Makes the shared memory of a group; every rank in the exchange takes part.
   *
   * @param exchange between all ranks of the world
   * @param ranks the group's members
   * @param onMissing told why memory cannot be shared on this host, or not in the best way
   * @param withMailboxes whether to make mailboxes too
   */
  async openGroup(
    exchange: Exchange,
    ranks: readonly number[],
    onMissing: (reasons: readonly string[], isShared: boolean) => void,
    withMailboxes = false,
  ): Promise<GroupMemory | undefined> {
    const team = this.teamOf(ranks);
    const isMember = ranks.includes(this.#rank) && team.length > 1;
    const mail = withMailboxes ? mailboxBytes(team.length) : 0;
    const wish = isMember ? { team, position: this.#rank, bytes: laneBytes(team.length) + mail } : undefined;
    const shared = await shareSegment(exchange, this.#libc, wish);
    let lane: Lane | undefined;
    let mailboxes: Mailboxes | undefined;
    if (wish !== undefined && shared.segment !== undefined) {
      const neighbours = this.#hosts.filter((host) => host === this.#hosts[this.#rank]).length;
      const members = { ranks: team, index: team.indexOf(this.#rank), neighbours };
      lane = new Lane(this.#libc!, shared.segment, members, this.#watch, this.arrays);
      if (mail > 0) mailboxes = new Mailboxes(shared.segment, lane.layout.end, team, members.index);
    }
    if (shared.reasons.length > 0) onMissing(shared.reasons, lane !== undefined);
    const hasLane = await exchange(lane !== undefined);
    const hosts = new Map<string, number[]>();
    ranks.forEach((rank, position) => {
      const key = hasLane[rank] ? this.#hosts[rank] : `alone ${rank}`;
      hosts.set(key, [...hosts.get(key) ?? [], position]);
    });
    return hosts.size === ranks.length ? undefined : { lane, mailboxes, hosts: [...hosts.values()] };
  }

  /**
   * Makes an array in the memory that a group on one host shares; all its members take part.
   *
   * @param exchange between the members
   * @param ranks the members
   * @param bytes size of each rank's array
   * @returns this rank's array; the reasons if there is none
   */
  async openArray(
    exchange: Exchange,
    ranks: readonly number[],
    bytes: number,
  ): Promise<Uint8Array<ArrayBuffer> | readonly string[]> {
    const position = ranks.indexOf(this.#rank);
    const total = sharedArrayBytes(ranks.length, bytes);
    if (total > MAX_SEGMENT_BYTES) {
      const requirement = `at most ${MAX_SEGMENT_BYTES} bytes on all ranks together`;
      throw new InvalidArgumentError("share an array", "length", requirement, `${total} bytes`);
    }
    const team = ranks.map((_, at) => at);
    const shared = await shareSegment(exchange, this.#libc, { team, position, bytes: total });
    const { segment, reasons } = shared;
    return segment === undefined ? reasons : this.arrays.add(segment, ranks, position, bytes);
  }
}
