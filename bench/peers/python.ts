/** A Python program that says its version first and then answers one request a line. */
export interface PythonPeer {
  /** What it printed first. */
  readonly version: string;
  /** Its answer to a request. */
  ask(request: string): Promise<string>;
  /** Ends it. */
  close(): Promise<void>;
}

/** Starts Python; undefined where there is none, or where the program ends before it says its version. */
export async function openPython(
  interpreter: string,
  args: readonly string[],
): Promise<PythonPeer | undefined> {
  let child: Deno.ChildProcess;
  try {
    const command = new Deno.Command(interpreter, {
      args: [...args],
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
    async ask(request) {
      await writer.write(new TextEncoder().encode(`${request}\n`));
      const answer = await line();
      if (answer === undefined) throw new Error(`${interpreter} ended while it worked on "${request}"`);
      return answer;
    },
    async close() {
      await writer.close();
      await child.status;
    },
  };
}
