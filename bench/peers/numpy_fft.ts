import { openPython } from "./python.ts";

/** NumPy's FFT of complex64 arrays in a Python process that answers one request a line. */
const PROGRAM = `
import sys, time
import numpy
arrays = {}
print(numpy.__version__, flush=True)
for line in sys.stdin:
    n = int(line)
    if n not in arrays:
        generator = numpy.random.default_rng(0)
        arrays[n] = (generator.random((n, n)) + 1j * generator.random((n, n))).astype(numpy.complex64)
    start = time.perf_counter()
    numpy.fft.fft2(arrays[n])
    print((time.perf_counter() - start) * 1e3, flush=True)
`;

/** A running NumPy. */
export interface Numpy {
  readonly version: string;
  /** Milliseconds of one size x size transform, measured there. */
  transform(size: number): Promise<number>;
  close(): Promise<void>;
}

/** Starts Python; undefined where it or NumPy is not installed. */
export async function openNumpy(): Promise<Numpy | undefined> {
  const peer = await openPython("python3", ["-c", PROGRAM]) ??
    await openPython("/usr/bin/python3", ["-c", PROGRAM]);
  return peer && {
    version: peer.version,
    transform: async (size) => Number(await peer.ask(String(size))),
    close: () => peer.close(),
  };
}
