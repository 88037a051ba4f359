import type { Assignment } from "./assignment.ts";
import type { DistributedContext } from "./context.ts";

type Shape = readonly number[];

/**
 * The shapes of results that other ranks computed, learned once for each kind of call. Every rank asks with the same key
 * in the same order, so all of them either know the answer or take part in the exchange.
 */
export class ShapeMemory {
  /** A key for calls whose inputs differ between ranks: nothing is remembered for it. */
  static readonly UNKNOWN = "";

  readonly #lists = new Map<string, readonly Shape[]>();
  readonly #sums = new Map<string, Shape>();

  constructor(private readonly ctx: DistributedContext) {}

  /** Learns anew, as after a change of the operators; called by all ranks. */
  forget(): void {
    this.#lists.clear();
    this.#sums.clear();
  }

  /**
   * The shapes of all operators' results, by number, given this rank's in the order of their numbers.
   *
   * @param anew whether what was learned does not count
   */
  async ofAll(
    key: string,
    own: readonly Shape[],
    assignment: Assignment,
    anew: boolean,
  ): Promise<readonly Shape[]> {
    let shapes = anew ? undefined : this.#lists.get(key);
    if (!shapes) {
      shapes = assignment.inOrder(await this.ctx.allGatherObject(own));
      if (key !== ShapeMemory.UNKNOWN) this.#lists.set(key, shapes);
    }
    return shapes;
  }

  /** The shape of a sum over operators; the owner of the first one tells the ranks that have none. */
  async ofSum(key: string, own: Shape | undefined, assignment: Assignment): Promise<Shape> {
    if (own && this.#everyoneWorks(assignment)) return own;
    const known = this.#sums.get(key);
    if (known) return known;
    const shape = await this.ctx.broadcastObject<Shape>(own ?? [], assignment.owner(0));
    if (key !== ShapeMemory.UNKNOWN) this.#sums.set(key, shape);
    return shape;
  }

  #everyoneWorks(assignment: Assignment): boolean {
    return this.ctx.ranks.every((rank) => assignment.itemsOf(rank).length > 0);
  }
}
