/** Hosts with addresses and names of their own on this machine: network namespaces on one bridge (Linux, root). */

function ip(...args: string[]): void {
  const { success, stderr } = new Deno.Command("ip", { args, stderr: "piped", stdout: "null" }).outputSync();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether this machine can make such hosts. */
export function canMakeHosts(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    using _ = new NetworkHosts(1);
    return new Deno.Command("unshare", { args: ["-u", "true"], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Hosts 0 ... count - 1, which reach each other and nothing else. Disposing them takes all of it away. */
export class NetworkHosts implements Disposable {
  readonly #name = `di${Deno.pid % 10000}${String.fromCharCode(97 + Math.floor(Math.random() * 26))}`;
  readonly #subnet = `10.${200 + Deno.pid % 50}.${Math.floor(Math.random() * 256)}`;

  constructor(readonly count: number) {
    try {
      ip("netns", "add", this.#name);
      ip("-n", this.#name, "link", "add", "bridge", "type", "bridge");
      ip("-n", this.#name, "link", "set", "bridge", "up");
      for (let host = 0; host < count; host++) this.#addHost(host);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Address of a host. */
  address(host: number): string {
    return `${this.#subnet}.${host + 1}`;
  }

  /** The command that runs another one on a host, whose name there is `host0`, `host1` ... */
  on(host: number, command: string[]): string[] {
    const shell = `hostname host${host} && exec "$@"`;
    return [
      "ip",
      "netns",
      "exec",
      this.#namespace(host),
      "unshare",
      "-u",
      "sh",
      "-c",
      shell,
      "sh",
      ...command,
    ];
  }

  /** Cuts or restores a host's link to the others. */
  setLink(host: number, state: "up" | "down"): void {
    ip("-n", this.#name, "link", "set", `port${host}`, state);
  }

  /** Lets a host send no more than this many megabits per second. */
  limit(host: number, megabits: number): void {
    const filter = ["root", "tbf", "rate", `${megabits}mbit`, "burst", "256kb", "latency", "50ms"];
    ip("netns", "exec", this.#namespace(host), "tc", "qdisc", "replace", "dev", "eth0", ...filter);
  }

  [Symbol.dispose](): void {
    for (
      const name of [
        this.#name,
        ...Array.from({ length: this.count }, (_, host) => this.#namespace(host)),
      ]
    ) {
      new Deno.Command("ip", { args: ["netns", "delete", name], stderr: "null" }).outputSync();
    }
  }

  #namespace(host: number): string {
    return `${this.#name}${host}`;
  }

  #addHost(host: number): void {
    const namespace = this.#namespace(host);
    ip("netns", "add", namespace);
    ip(
      "-n",
      this.#name,
      "link",
      "add",
      `port${host}`,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      namespace,
    );
    ip("-n", this.#name, "link", "set", `port${host}`, "master", "bridge", "up");
    ip("-n", namespace, "address", "add", `${this.address(host)}/24`, "dev", "eth0");
    for (const link of ["lo", "eth0"]) ip("-n", namespace, "link", "set", link, "up");
  }
}
