/**
 * What the threads of the cpu backend run. Workers are started from the text of these functions, so that they load from
 * anywhere (a file, a registry, a bundle) without a permission: they may use nothing but their parameters and globals.
 *
 * A job is a list of tasks; a task is a list of calls of generated kernels, as words:
 * [number of calls, (kernel, mask * 256 + number of arguments, arguments...)...]. Arguments whose bit in `mask` is set
 * are distances from the start of the thread's own scratch memory.
 */

/** Words of the control block. */
export const CONTROL = {
  /** Counts jobs; threads wait for it to change; -1 ends them. */
  job: 0,
  /** Tasks of the job that nobody has taken yet; taken from the last to the first. */
  open: 1,
  /** Tasks that were done. */
  done: 2,
  /** Tasks of the job. */
  tasks: 3,
  /** Scratch memory of thread 0, and how many bytes each thread has. */
  scratch: 4,
  scratchBytes: 5,
  /** 1 once a task failed; then the length and the characters of the message follow at `message`. */
  failed: 6,
  message: 16,
  /** Two words for every kernel: where its module's bytes begin, and how many they are. */
  kernels: 1024,
  /** Where the task's calls begin, one word for each task. */
  offsets: 16384,
  /** The calls. */
  calls: 20480,
} as const;

/** How often a thread looks for new work before it sleeps: some tens of microseconds, longer than a network's next layer takes to come. */
export const SPINS = 10000;

/** What a thread is started with. */
export interface ThreadStart {
  /** Which thread it is; the main one is 0. */
  readonly index: number;
  /** Of the control block and of the kernels' modules: not views of them, whose every element Deno would look at. */
  readonly control: SharedArrayBuffer;
  readonly code: SharedArrayBuffer;
  readonly memory: WebAssembly.Memory;
  readonly words: typeof CONTROL;
  readonly spins: number;
}

/** Takes tasks until none is open; tells how many it has done. */
export function takeTasks(
  words: typeof CONTROL,
  control: Int32Array,
  index: number,
  kernel: (id: number) => (...parameters: number[]) => void,
): number {
  let count = 0;
  for (;;) {
    const task = Atomics.sub(control, words.open, 1) - 1;
    if (task < 0) return count;
    const scratch = (control[words.scratch] >>> 0) + index * control[words.scratchBytes];
    let at = control[words.offsets + task];
    try {
      for (let calls = control[at++]; calls > 0; calls--) {
        const run = kernel(control[at++]);
        const layout = control[at++];
        const parameters: number[] = [];
        for (let i = 0; i < (layout & 255); i++, at++) {
          parameters.push((layout >>> (8 + i)) & 1 ? control[at] + scratch : control[at]);
        }
        run(...parameters);
      }
    } catch (error) {
      if (Atomics.exchange(control, words.failed, 1) === 0) {
        const text = String(error).slice(0, 500);
        control[words.message] = text.length;
        for (let i = 0; i < text.length; i++) control[words.message + 1 + i] = text.charCodeAt(i);
      }
    }
    count++;
    Atomics.add(control, words.done, 1);
    if (index > 0 && Atomics.load(control, words.done) === control[words.tasks]) {
      Atomics.notify(control, words.done);
    }
  }
}

/** A thread's life: wait for a job, take its tasks, until told to end. */
export function threadMain(start: ThreadStart, take: typeof takeTasks): void {
  const { index, memory, words, spins } = start;
  const control = new Int32Array(start.control);
  const code = new Uint8Array(start.code);
  const { exp, log, sin, cos, pow } = Math;
  const kernels: ((...parameters: number[]) => void)[] = [];
  const kernel = (id: number) => {
    if (kernels[id] === undefined) {
      const from = control[words.kernels + 2 * id], length = control[words.kernels + 2 * id + 1];
      const module = new WebAssembly.Module(code.slice(from, from + length));
      const { exports } = new WebAssembly.Instance(module, {
        env: { memory, exp, log, sin, cos, pow },
      });
      kernels[id] = Object.values(exports)[0] as (...parameters: number[]) => void;
    }
    return kernels[id];
  };
  let seen = 0;
  for (;;) {
    for (let i = 0; i < spins && Atomics.load(control, words.job) === seen; i++);
    Atomics.wait(control, words.job, seen);
    seen = Atomics.load(control, words.job);
    if (seen === -1) return;
    take(words, control, index, kernel);
  }
}
