/**
 * Makes sure that the GPU tests find a Vulkan driver: on Linux, Mesa's software one (lavapipe) is installed where none is
 * there and the system's package manager can be used. The tests themselves fail, and say so, where it is still missing.
 */

const PACKAGES = ["libvulkan1", "mesa-vulkan-drivers"];

if (import.meta.main) await main();

async function main(): Promise<void> {
  if (Deno.build.os !== "linux" || Deno.env.get("DEEPINV_SKIP_GPU") === "1" || hasVulkan()) return;
  if (Deno.uid() !== 0 || !await succeeds("apt-get", ["--version"])) {
    console.warn(
      `No Vulkan driver was found and it cannot be installed from here: install ${PACKAGES.join(" and ")} ` +
        "(or your system's Vulkan driver), or set DEEPINV_SKIP_GPU=1 to leave the GPU tests out",
    );
    return;
  }
  console.log(`Installing ${PACKAGES.join(" and ")} for the GPU tests`);
  const installed = await succeeds("apt-get", ["update", "-qq"]) &&
    await succeeds("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...PACKAGES]);
  if (!installed) console.warn("The installation failed; the GPU tests will fail without a Vulkan driver");
}

/** A Vulkan loader that can be opened, and at least one driver announced to it. */
function hasVulkan(): boolean {
  try {
    Deno.dlopen("libvulkan.so.1", {}).close();
  } catch {
    return false;
  }
  return ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"].some((folder) => {
    try {
      return [...Deno.readDirSync(folder)].length > 0;
    } catch {
      return false;
    }
  });
}

async function succeeds(command: string, args: string[]): Promise<boolean> {
  try {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const { success, stderr } = await new Deno.Command(command, {
      args,
      env,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) console.warn(new TextDecoder().decode(stderr).trim());
    return success;
  } catch {
    return false;
  }
}
