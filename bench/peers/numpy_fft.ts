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
  let child: Deno.ChildProcess;
  try {
    const command = new Deno.Command("python3", {
      args: ["-c", PROGRAM],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    });
    child = command.spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const line = async (): Promise<string | undefined> => {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) return undefined;
      text += value;
    }
    const end = text.indexOf("\n");
    const first = text.slice(0, end);
    text = text.slice(end + 1);
    return first;
  };
  const version = await line();
  if (version === undefined) {
    await child.status;
    return undefined;
  }
  return {
    version,
    async transform(size) {
      await writer.write(new TextEncoder().encode(`${size}\n`));
      const answer = await line();
      if (answer === undefined) throw new Error(`NumPy ended while it transformed ${size} x ${size}`);
      return Number(answer);
    },
    async close() {
      await writer.close();
      await child.status;
    },
  };
}
