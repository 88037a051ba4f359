import { openPython } from "./python.ts";

/** NumPy's product of float32 matrices in a Python process that answers one request a line; it sums in float32. */
const PROGRAM = `
import sys, time
import numpy
print(numpy.__version__, flush=True)
generator = numpy.random.default_rng(0)
matrices = {}
for line in sys.stdin:
    m, k, n = map(int, line.split())
    for shape in (m, k), (k, n):
        if shape not in matrices:
            matrices[shape] = generator.random(shape, dtype=numpy.float32)
    start = time.perf_counter()
    matrices[m, k] @ matrices[k, n]
    print((time.perf_counter() - start) * 1e3, flush=True)
`;

/** A running NumPy. */
export interface Numpy {
  readonly version: string;
  /** Milliseconds of one product (m, k) (k, n), measured there. */
  multiply(m: number, k: number, n: number): Promise<number>;
  close(): Promise<void>;
}

/** Starts Python; undefined where it or NumPy is not installed. */
export async function openNumpy(threads: number): Promise<Numpy | undefined> {
  const interpreter = [
    "-u",
    "OPENBLAS_NUM_THREADS",
    "-u",
    "OMP_NUM_THREADS",
    `OPENBLAS_NUM_THREADS=${threads}`,
  ];
  const peer = await openPython("env", [...interpreter, "python3", "-c", PROGRAM]) ??
    await openPython("env", [...interpreter, "/usr/bin/python3", "-c", PROGRAM]);
  return peer && {
    version: peer.version,
    multiply: async (m, k, n) => Number(await peer.ask(`${m} ${k} ${n}`)),
    close: () => peer.close(),
  };
}
