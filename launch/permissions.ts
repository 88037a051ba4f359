/**
 * Which permissions a rank runs with.
 *
 * 1. By default all kinds but `import`: a rank may read, write, use the network, the environment, system information,
 *    libraries and other programs, and import code from the hosts that Deno trusts. libzmq is reached through FFI, which
 *    can do anything, so that taking `run` or `write` away would break scripts and protect nothing.
 * 2. A permission that the user gives takes the place of the default one of its kind.
 * 3. `-A`, `-P` and `--permission-set` take the place of all.
 */
const DEFAULT_KINDS = ["read", "write", "net", "env", "sys", "run", "ffi"] as const;
const SHORT_KINDS: Record<string, string> = { R: "read", W: "write", N: "net", E: "env", S: "sys" };

/** The permission flags of a rank. */
export interface Permissions {
  /** Flags for `deno run`, besides the user's own. */
  flags: string[];
  /** Whether the rank may load the C library, which its guard needs. */
  guarded: boolean;
}

/** Kinds of permissions that a flag grants. */
function grantedKinds(flag: string): string[] {
  const long = /^--allow-([a-z]+)(?==|$)/.exec(flag)?.[1];
  if (long !== undefined) return [long];
  const letters = /^-([RWNESI]+)(?==|$)/.exec(flag)?.[1] ?? "";
  return [...letters].map((letter) => SHORT_KINDS[letter] ?? "");
}

/** The permissions that go with the user's own flags for `deno run`. */
export function choosePermissions(denoFlags: readonly string[]): Permissions {
  if (denoFlags.some((flag) => /^(-A|--allow-all)$/.test(flag))) {
    return { flags: [], guarded: !denoFlags.some((flag) => flag.startsWith("--deny-ffi")) };
  }
  if (denoFlags.some((flag) => /^(-P|--permission-set)(=|$)/.test(flag))) {
    return { flags: [], guarded: false };
  }
  const given = new Set(denoFlags.flatMap(grantedKinds));
  const flags = DEFAULT_KINDS.filter((kind) => !given.has(kind)).map((kind) => `--allow-${kind}`);
  const restricted = denoFlags.some((flag) => /^--(allow-ffi=|deny-ffi)/.test(flag));
  return { flags, guarded: !restricted };
}
