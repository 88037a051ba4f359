/** Asking other ranks whether they have called an operation, to name in an error those that have not. */

/** How long ranks may take to answer, in milliseconds; a stuck one does not answer, a busy host takes its time. */
const ANSWER_MS = 1000;

interface Question {
  readonly group: number;
  readonly sequence: number;
  readonly unanswered: Set<number>;
  readonly absent: Set<number>;
  readonly done: () => void;
}

/** The questions of one rank that wait for answers. */
export class RollCall {
  readonly #open = new Set<Question>();

  /**
   * Asks `ranks` by calling `ask` for each.
   *
   * @returns the ranks that have not called the operation or do not answer, ascending
   */
  async ask(
    group: number,
    sequence: number,
    ranks: readonly number[],
    ask: (rank: number) => void,
  ): Promise<number[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const unanswered = new Set(ranks);
    const question: Question = { group, sequence, unanswered, absent: new Set(ranks), done: resolve };
    if (ranks.length === 0) return [];
    this.#open.add(question);
    const timer = setTimeout(resolve, ANSWER_MS);
    for (const rank of ranks) ask(rank);
    await promise;
    clearTimeout(timer);
    this.#open.delete(question);
    return [...question.absent].sort((a, b) => a - b);
  }

  /** Records an answer. */
  answered(group: number, sequence: number, rank: number, entered: boolean): void {
    for (const question of this.#open) {
      if (question.group !== group || question.sequence !== sequence) continue;
      question.unanswered.delete(rank);
      if (entered) question.absent.delete(rank);
      if (question.unanswered.size === 0) question.done();
    }
  }

  /** Ends all questions now. */
  cancel(): void {
    for (const question of this.#open) question.done();
  }
}
