/** System programs that tests need: installed with apt-get where they are missing and that can be done. */

const LOCK_TIMEOUT_S = 300;

/**
 * Makes sure that commands are there.
 *
 * @param commands what must be on the PATH
 * @param packages the Debian packages that hold them
 * @param skipVariable the variable that leaves the tests out, for the message
 * @throws Error if a command is missing and cannot be installed from here
 */
export async function ensureCommands(
  commands: readonly string[],
  packages: readonly string[],
  skipVariable: string,
): Promise<void> {
  if (commands.every(isOnPath)) return;
  const canInstall = Deno.build.os === "linux" && Deno.uid() === 0 && isOnPath("apt-get");
  const problem = canInstall ? await install(packages) : "it needs root and apt-get";
  const missing = commands.filter((command) => !isOnPath(command));
  if (missing.length === 0) return;
  throw new Error(
    `Cannot run these tests without ${missing.join(", ")}: installing ${
      packages.join(" ")
    } failed (${problem}); ` +
      `install them, or set ${skipVariable}=1 to leave the tests out`,
  );
}

function isOnPath(command: string): boolean {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${command}`).isFile;
    } catch {
      return false;
    }
  });
}

/** Package lists are fetched only if the packages cannot be installed without; the last error, or nothing. */
async function install(packages: readonly string[]): Promise<string> {
  const options = ["-y", "-qq", "--no-install-recommends", "-o", `DPkg::Lock::Timeout=${LOCK_TIMEOUT_S}`];
  const first = await aptGet(["install", ...options, ...packages]);
  if (first === "") return "";
  await aptGet(["update", "-qq"]);
  return await aptGet(["install", ...options, ...packages]);
}

async function aptGet(args: string[]): Promise<string> {
  const { success, stderr } = await new Deno.Command("apt-get", {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return success ? "" : new TextDecoder().decode(stderr).trim() || "apt-get failed";
}
