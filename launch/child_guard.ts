/**
 * Preloaded into every rank on Linux: asks the kernel to kill this process when its launcher dies, however it dies.
 */
const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9n;

const libc = Deno.dlopen("libc.so.6", {
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
});
if (libc.symbols.prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n) !== 0) {
  throw new Error("Cannot tie the rank to its launcher: prctl(PR_SET_PDEATHSIG) was refused");
}
// A launcher that died before the call left this process to another parent.
if (Deno.ppid !== Number(Deno.env.get("DEEPINV_LAUNCHER_PID"))) Deno.kill(Deno.pid, "SIGKILL");
