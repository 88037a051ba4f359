import assert from "node:assert/strict";
import { freePort } from "../../launch/free_port.ts";

Deno.test("freePort: nobody listens there, and the kernel gives it to nobody else", () => {
  const [first] = Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range").split(/\s+/).map(Number);
  for (let i = 0; i < 50; i++) {
    const port = freePort("127.0.0.1");
    assert.ok(port >= 1024 && port < first, `${port}`);
    using listener = Deno.listen({ hostname: "127.0.0.1", port });
    assert.equal(listener.addr.port, port);
  }
});

Deno.test("freePort refuses an address that is not this host's", () => {
  assert.throws(() => freePort("192.0.2.1"), Deno.errors.AddrNotAvailable);
});
