/** Ranks on "hosts" of one machine: UTS namespaces with names of their own, between which no memory is shared. */

/** Whether this machine can give processes host names of their own (Linux, root). */
export const canNameHosts = Deno.build.os === "linux" && Deno.uid() === 0 &&
  (await new Deno.Command("unshare", { args: ["-u", "true"] }).output().catch(() => undefined))?.success ===
    true;

/** Runs rank r on a host named `host` + `hostOf[r]`. */
export function onHosts(hostOf: readonly number[]): (rank: number, command: string[]) => string[] {
  return (rank, command) => {
    const shell = `hostname host${hostOf[rank]} && exec "$@"`;
    return ["unshare", "-u", "sh", "-c", shell, "sh", ...command];
  };
}
