/**
 * What does a balanced share of the work gain? Two ranks, 20 blurs of which the even ones are wide (so that dealing them
 * in turn gives all wide ones to rank 0), and a rectangular picture cut into strips of uneven widths: time of A^T A, and of
 * a denoiser on the strips, dealt in turn and balanced by given costs, and for the blurs by measured times, in turn.
 *
 *     deno run -A bench/assignment.ts [--rounds 5] [--ranks 2]
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  Blur,
  distribute,
  DistributedContext,
  DistributedSignalStrategy,
  gaussianBlur,
  type IndexedPatch,
  Tensor,
  TVDenoiser,
} from "@deepinv/distributed";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    ranks: { type: "string", default: "2" },
    worker: { type: "boolean", default: false },
  },
});
async function launchRanks(): Promise<void> {
  const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  const args = [
    "-n",
    values.ranks!,
    "--device",
    "cpu",
    path("assignment.ts"),
    "--worker",
    "--rounds",
    values.rounds!,
  ];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path("../launch/deepinv_run.ts"), ...args],
  }).spawn();
  if (!(await child.status).success) Deno.exit(1);
}

/** Strips of a wide picture, the even ones four times as wide as the odd ones. */
class Strips extends DistributedSignalStrategy {
  readonly #borders: number[] = [0];

  constructor(imgSize: readonly number[]) {
    super(imgSize);
    for (let i = 0; this.#borders.at(-1)! < imgSize[3]; i++) {
      this.#borders.push(Math.min(imgSize[3], this.#borders.at(-1)! + (i % 2 ? 64 : 256)));
    }
  }

  override getNumPatches(): number {
    return this.#borders.length - 1;
  }

  override costOf(index: number): number {
    return this.#borders[index + 1] - this.#borders[index];
  }

  override getLocalPatches(x: Tensor, indices: readonly number[]): IndexedPatch[] {
    return indices.map((i) => [
      i,
      x.slice([null, null, null, [this.#borders[i], this.#borders[i + 1]]]),
    ]);
  }

  override reducePatches(out: Tensor, patches: readonly IndexedPatch[]): void {
    for (const [i, patch] of patches) out.writeSlice(patch, [0, 0, 0, this.#borders[i]]);
  }
}

async function measure(rounds: number): Promise<void> {
  await using ctx = await DistributedContext.create({ seed: 1 });
  const image = Tensor.randn([1, 3, 256, 320], { seed: 2 });
  const widths = Array.from({ length: 20 }, (_, i) => (i % 2 ? 5 : 25));
  const blurs = widths.map((width) =>
    new Blur({
      filter: gaussianBlur({ sigma: [2, 4], angle: 30, psfSize: [width, width] }),
      padding: "circular",
    })
  );
  const costs = widths.map((width) => width * width);
  const shares = {
    "in turn": await distribute(blurs, ctx),
    "balanced, given costs": await distribute(blurs, ctx, { assignment: "balanced", costs }),
    "balanced, measured": await distribute(blurs, ctx, { assignment: "balanced" }),
  };
  const wide = Tensor.randn([1, 1, 128, 1600], { seed: 3 });
  const denoiser = new TVDenoiser({ nItMax: 20, crit: 0 });
  const tiled = {
    "in turn": await distribute(denoiser, ctx, { tilingStrategy: Strips }),
    "balanced by pixels": await distribute(denoiser, ctx, { tilingStrategy: Strips, assignment: "balanced" }),
  };
  await compare(ctx, "A^T A of 20 uneven blurs", rounds, shares, (physics) => physics.A_adjoint_A(image));
  await compare(
    ctx,
    "denoiser on uneven strips",
    rounds,
    tiled,
    (processing) => processing.forward(wide, 0.1),
  );
}

async function compare<T>(
  ctx: DistributedContext,
  what: string,
  rounds: number,
  variants: Record<string, T>,
  run: (variant: T) => Promise<Tensor>,
): Promise<void> {
  const times = new Map(Object.keys(variants).map((name) => [name, [] as number[]]));
  for (let round = -2; round < rounds; round++) {
    for (const [name, variant] of Object.entries(variants)) {
      await ctx.barrier();
      const begin = performance.now();
      (await run(variant)).dispose();
      await ctx.barrier();
      if (round >= 0) times.get(name)!.push(performance.now() - begin);
    }
  }
  if (ctx.rank !== 0) return;
  const base = Math.min(...[...times.values()][0]);
  for (const [name, list] of times) {
    const least = Math.min(...list);
    console.log(
      `${what}, ${ctx.worldSize} ranks, ${name}: ${least.toFixed(1)} ms at best, ${
        (base / least).toFixed(2)
      } times as fast`,
    );
  }
}

if (values.worker) await measure(Number(values.rounds));
else await launchRanks();
