import { deepStrictEqual, throws } from "node:assert/strict";
import { parseFlags } from "../../launch/flags.ts";
import { readRoutes } from "../../launch/routes.ts";

/** Per local rank, where stdout and stderr go: `c`onsole, `f`ile, both or nowhere. */
function routes(line: string, nproc = 3): string[] {
  const letters = ({ console, file }: { console: boolean; file: boolean }) =>
    `${console ? "c" : ""}${file ? "f" : ""}`;
  return readRoutes(parseFlags(line.split(" "), {}), nproc)
    .map(({ stdout, stderr }) => `${letters(stdout)} ${letters(stderr)}`);
}

Deno.test("routes: to the console by default, and to files with a log folder", () => {
  deepStrictEqual(routes("s.ts"), ["c c", "c c", "c c"]);
  deepStrictEqual(routes("--log-dir d s.ts"), ["cf cf", "cf cf", "cf cf"]);
});

Deno.test("routes: --redirects takes streams off the console, --tee does not", () => {
  deepStrictEqual(routes("--log-dir d -r 3 s.ts", 1), ["f f"]);
  deepStrictEqual(routes("--log-dir d -r 1 s.ts", 1), ["f c"]);
  deepStrictEqual(routes("--log-dir d -r 2 s.ts", 1), ["c f"]);
  deepStrictEqual(routes("--log-dir d -t 2 s.ts", 1), ["c cf"]);
  deepStrictEqual(routes("--log-dir d -r 3 -t 1 s.ts", 1), ["cf f"]);
  deepStrictEqual(routes("--log-dir d -r 0 s.ts", 1), ["c c"]);
});

Deno.test("routes: by local rank", () => {
  deepStrictEqual(routes("--log-dir d --redirects 0:3,1:1 s.ts"), ["f f", "f c", "c c"]);
  deepStrictEqual(routes("--log-dir d --redirects=3 --tee=2:3 s.ts"), ["f f", "f f", "cf cf"]);
});

Deno.test("routes: a filter hides local ranks from the console, not from their files", () => {
  deepStrictEqual(routes("--local-ranks-filter 0,2 s.ts"), ["c c", " ", "c c"]);
  deepStrictEqual(routes("--log-dir d --local-ranks-filter 1 s.ts"), ["f f", "cf cf", "f f"]);
});

Deno.test("routes: what makes no sense is refused", () => {
  for (
    const [line, message] of [
      ["-r 3 s.ts", /--log-dir must be given with --redirects and --tee/],
      ["-t 0:1 s.ts", /--log-dir must be given/],
      ["--log-dir d -r 4 s.ts", /--redirects must be 0, 1, 2, 3 or a list like 0:3,1:1, got "4"/],
      ["--log-dir d -t 0:3, s.ts", /--tee must be/],
      ["--log-dir d -t 3:1 s.ts", /a local rank in --tee must be a whole number from 0 to 2, got "3"/],
      ["--local-ranks-filter 0,3 s.ts", /a local rank in --local-ranks-filter must be .* got "3"/],
      ["--local-ranks-filter , s.ts", /a local rank in --local-ranks-filter must be/],
    ] as const
  ) throws(() => routes(line), message, line);
});
