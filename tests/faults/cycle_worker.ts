/** Starts, meets the others once and ends, as quickly as it can; run by start_end_cycles.ts. */

import { connect } from "../../src/comm/mod.ts";

await using group = await connect({ timeout: 20_000 });
await group.barrier();
