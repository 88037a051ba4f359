/**
 * A small shell in a session of its own that outlives the launcher: when the launcher ends, however it ends, the shell's
 * input closes and it kills every process group that is still on its list. It reaches what the kernel's parent-death
 * signal does not: what ranks themselves have started, and systems other than Linux.
 */
const SCRIPT = `groups=
while read -r line; do groups=$line; done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done`;

const encoder = new TextEncoder();

/** The launcher's side of the watcher. */
export class OrphanWatcher implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #groups = new Set<number>();

  /**
   * Starts the watcher.
   *
   * @returns null on a system without `/bin/sh`: Windows, or a container that holds Deno alone, where the kernel's
   * parent-death signal still ends the ranks themselves
   */
  static start(): OrphanWatcher | null {
    try {
      return Deno.build.os === "windows" ? null : new OrphanWatcher();
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  private constructor() {
    this.#child = new Deno.Command("/bin/sh", {
      args: ["-c", SCRIPT],
      cwd: "/",
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      detached: true,
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
  }

  /** Puts a group on the list. */
  watch(group: number): void {
    this.#groups.add(group);
    this.#send();
  }

  /** Takes a group that has ended off the list, before its number can be given to another. */
  release(group: number): void {
    this.#groups.delete(group);
    this.#send();
  }

  /** Ends the watcher. */
  async [Symbol.asyncDispose](): Promise<void> {
    // A watcher that was itself killed has nothing left to close.
    await this.#input.close().catch(() => {});
    await this.#child.status;
  }

  #send(): void {
    this.#input.write(encoder.encode([...this.#groups].join(" ") + "\n")).catch(() => {});
  }
}
