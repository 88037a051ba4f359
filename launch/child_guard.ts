/**
 * Preloaded into every rank on Linux: asks the kernel to kill this process when its launcher dies, however it dies, and
 * lets its output run further ahead of the launcher. Needs the permission to load libraries and no other.
 */
const PR_SET_PDEATHSIG = 1;
const F_SETPIPE_SZ = 1031;
// No more: what all pipes of a user may hold together is limited.
const PIPE_BYTES = 2 ** 18;
const SIGKILL = 9;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  getenv: { parameters: ["buffer"], result: "pointer" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
});

function launcherPid(): number {
  const value = libc.getenv(new TextEncoder().encode("DEEPINV_LAUNCHER_PID\0"));
  return value === null ? 0 : Number(Deno.UnsafePointerView.getCString(value));
}

if (libc.prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL), 0n, 0n, 0n) !== 0) {
  throw new Error("Cannot tie the rank to its launcher: prctl(PR_SET_PDEATHSIG) was refused");
}
// A launcher that died before the call left this process to another parent.
if (Deno.ppid !== launcherPid()) libc.kill(Deno.pid, SIGKILL);
// A system that allows less keeps its pipes as they are: slower, nothing else.
for (const stream of [1, 2]) libc.fcntl(stream, F_SETPIPE_SZ, PIPE_BYTES);
