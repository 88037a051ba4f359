/** Where the package keeps what it has fetched or measured: a folder of the user's, which may be deleted at any time. */

/**
 * The folder: `DEEPINV_CACHE` where that is set, else `deepinv-distributed` in the system's place for caches
 * (`XDG_CACHE_HOME` or `~/.cache` on Linux, `~/Library/Caches` on macOS, `LOCALAPPDATA` on Windows).
 *
 * @returns its path, or undefined when the environment names no home
 */
export function cacheFolder(): string | undefined {
  const own = variable("DEEPINV_CACHE");
  if (own) return own;
  const home = variable("HOME");
  const places = {
    windows: variable("LOCALAPPDATA"),
    darwin: home && `${home}/Library/Caches`,
    other: variable("XDG_CACHE_HOME") ?? (home && `${home}/.cache`),
  };
  const { os } = Deno.build;
  const place = places[os === "windows" || os === "darwin" ? os : "other"];
  return place && `${place}/deepinv-distributed`;
}

/** A variable's value; an empty one counts as unset. */
function variable(name: string): string | undefined {
  return Deno.env.get(name) || undefined;
}
