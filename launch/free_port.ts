/**
 * A port for the ranks of a job to meet at.
 *
 * The kernel must not hand it to anyone between now and rank 0's listening there: so it lies below the range from which
 * outgoing connections and listeners at port 0 get theirs. From inside that range, a rank that looks for rank 0 may even
 * be given the port that it connects to as its own and meet itself.
 */

const FIRST_PORT = 10_240;
/** Where the ephemeral ports begin by default: 32768 on Linux, 49152 by RFC 6335. */
const DEFAULT_EPHEMERAL = 32_768;
const EPHEMERAL_RANGE = "/proc/sys/net/ipv4/ip_local_port_range";
const ATTEMPTS = 100;

function firstEphemeral(): number {
  try {
    return parseInt(Deno.readTextFileSync(EPHEMERAL_RANGE));
  } catch {
    return DEFAULT_EPHEMERAL; // Not Linux, or /proc is hidden.
  }
}

/**
 * Finds a port at which nobody listens.
 *
 * @param hostname the address at which it is free
 * @returns a port of at least 10240 outside the system's ephemeral range where there is one
 * @throws Deno.errors.AddrNotAvailable if the address is not this host's
 */
export function freePort(hostname: string): number {
  const choices = firstEphemeral() - FIRST_PORT;
  for (let attempt = 0; attempt < ATTEMPTS && choices > 0; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * choices);
    try {
      Deno.listen({ hostname, port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}
