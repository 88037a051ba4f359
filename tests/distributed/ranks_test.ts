import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "../launch/launcher.ts";

const skipGpu = Deno.env.get("DEEPINV_SKIP_GPU") === "1";

function worker(name: string): string {
  return fileURLToPath(new URL(`./workers/${name}.ts`, import.meta.url));
}

for (const device of ["cpu", "gpu"] as const) {
  for (const ranks of device === "cpu" ? [1, 2, 3, 5, 7] : [1, 3]) {
    Deno.test({
      name: `distributed objects equal their local twins on ${ranks} ranks [${device}]`,
      ignore: device === "gpu" && skipGpu,
      fn: async () => {
        const { code, stdout, stderr } = await launch(["-n", String(ranks), worker("semantics"), device]);
        assert.equal(code, 0, stdout + stderr);
        assert.equal(stdout.match(/done/g)?.length, ranks);
      },
    });
  }
}

/** An event of the Chrome trace format. */
interface TraceEvent {
  ph: string;
  name: string;
  cat?: string;
  pid: number;
  tid: number;
  ts?: number;
  dur?: number;
}

/** The spans of a trace file, once it is checked that those of one track do not overlap. */
async function spansOf(file: string): Promise<Required<TraceEvent>[]> {
  const { traceEvents }: { traceEvents: TraceEvent[] } = JSON.parse(await Deno.readTextFile(file));
  const spans = traceEvents.filter((event) => event.ph === "X") as Required<TraceEvent>[];
  const ends = new Map<string, number>();
  for (const { pid, tid, ts, dur } of spans.toSorted((a, b) => a.ts - b.ts)) {
    assert.ok(ts >= 0 && dur >= 0);
    assert.ok(ts >= (ends.get(`${pid} ${tid}`) ?? 0) - 1e-3, "spans of a track follow each other");
    ends.set(`${pid} ${tid}`, ts + dur);
  }
  return spans;
}

for (const [device, ranks] of [["cpu", 1], ["cpu", 2], ["cpu", 3], ["cpu", 7], ["gpu", 2]] as const) {
  Deno.test({
    name: `proxes, blending, shares, counted communication and timelines on ${ranks} ranks [${device}]`,
    ignore: device === "gpu" && skipGpu,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const trace = `${folder}/trace.json`;
        const run = await launch(["-n", String(ranks), worker("features"), device, trace]);
        assert.equal(run.code, 0, run.stdout + run.stderr);
        assert.equal(run.stdout.match(/done/g)?.length, ranks);
        const spans = await spansOf(trace), part = await spansOf(`${trace}.part`);
        assert.deepEqual(new Set(spans.map(({ pid }) => pid)), new Set(Array(ranks).keys()));
        assert.ok(part.length < spans.length);
        for (const [pid, name] of Array.from({ length: ranks }, (_, r) => [r, `${r} Blur.A`] as const)) {
          const calls = part.filter((span) => span.pid === pid && span.name === name);
          assert.equal(calls.length, 2, `${name} is called twice`);
        }
        const gathers = part.filter(({ name }) => name === "allGather");
        assert.ok(ranks === 1 ? gathers.length === 0 : gathers.length >= 3 * ranks);
        const last = Array.from(
          { length: ranks },
          (_, r) => gathers.filter(({ pid }) => pid === r).map(({ ts, dur }) => [ts, ts + dur]).at(-1),
        );
        for (const [start] of ranks === 1 ? [] : last as number[][]) {
          for (const [, end] of last as number[][]) {
            assert.ok(
              start < end + 2000,
              "clocks agree: a gather begins on no rank after it ended on another",
            );
          }
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

for (const [ranks, batch] of [[1, 1], [2, 3], [3, 1], [3, 3], [5, 3], [7, 1]] as const) {
  Deno.test(`every algorithm takes distributed objects as local ones, on ${ranks} ranks, ${batch} items`, async () => {
    const { code, stdout, stderr } = await launch([
      "-n",
      `${ranks}`,
      worker("algorithms"),
      "cpu",
      `${batch}`,
    ]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout.match(/done/g)?.length, ranks);
  });
}

for (const ranks of [1, 3]) {
  Deno.test(`calls of distributed objects leave memory as it was on ${ranks} ranks`, async () => {
    const { code, stdout, stderr } = await launch(["-n", String(ranks), worker("memory")]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stdout.match(/done/g)?.length, ranks);
  });
}

const reconstructions = new Map<string, Float32Array>();

async function reconstruction(device: "cpu" | "gpu", ranks: number): Promise<Float32Array> {
  const key = `${device} ${ranks}`;
  let values = reconstructions.get(key);
  if (!values) {
    const file = await Deno.makeTempFile();
    try {
      const { code, stdout, stderr } = await launch([
        "-n",
        String(ranks),
        worker("reconstruction"),
        device,
        file,
      ]);
      assert.equal(code, 0, stdout + stderr);
      values = new Float32Array((await Deno.readFile(file)).buffer);
      reconstructions.set(key, values);
    } finally {
      await Deno.remove(file);
    }
  }
  return values;
}

function largest(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  assert.ok(a.length > 0);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

for (const device of ["cpu", "gpu"] as const) {
  for (const ranks of [2, 3, 4, 7]) {
    Deno.test({
      name: `${ranks} ranks reconstruct what one rank does [${device}]`,
      ignore: device === "gpu" && skipGpu,
      fn: async () => {
        const difference = largest(await reconstruction(device, ranks), await reconstruction(device, 1));
        assert.ok(difference <= 1e-4, `largest difference ${difference}`);
      },
    });
  }
}

Deno.test({
  name: "the GPU reconstructs what the CPU does",
  ignore: skipGpu,
  fn: async () => {
    const difference = largest(await reconstruction("gpu", 1), await reconstruction("cpu", 1));
    assert.ok(difference <= 1e-3, `largest difference ${difference}`);
  },
});
