/**
 * A stack of operators on any number of ranks: three Gaussian blurs of a picture, spread over the ranks, give the same
 * measurements, adjoint and normal operator as the same stack in one process.
 *
 *     deno task launch -n 2 examples/physics_demo.ts
 */
import {
  Blur,
  colourScene,
  distribute,
  DistributedContext,
  gaussianBlur,
  stack,
  type Tensor,
  type TensorList,
  writeImage,
} from "@deepinv/distributed";
import { maxDifference } from "./support/comparison.ts";
import { sideBySide } from "./support/montage.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Distributed operators beside undistributed ones

  --size N           side of the picture in pixels (default 512)
  --output DIR       where the picture goes (default: the current folder)
`;

/** What the two may differ by, as in deepinv's demonstration. */
const TOLERANCE = 1e-6;

const BLURS = [
  { sigma: 1, angle: 0 },
  { sigma: 2.5, angle: 0 },
  { sigma: [1.5, 3.5], angle: 30 },
] as const;

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const { size, output } = readFlags(args, HELP, { size: 512, output: "." }, { size: 32 });
  await using ctx = await DistributedContext.create({ seed: 42, seedOffset: false });
  const begin = performance.now();
  const x = colourScene({ size, seed: 7 });
  const local = stack(
    ...BLURS.map(({ sigma, angle }) =>
      new Blur({ filter: gaussianBlur({ sigma, angle }), padding: "circular" })
    ),
  );
  const physics = await distribute(local, ctx);
  const show = (text: string) => ctx.rank === 0 && console.log(text);
  show(
    `${size} x ${size} pixels, ${physics.numOperators} blurs, ${ctx.worldSize} ranks on ${ctx.device.name}`,
  );
  console.log(`rank ${ctx.rank} holds operators ${physics.localIndexes.join(", ") || "none"}`);

  const y = await physics.A(x);
  const steps: [string, Tensor | TensorList, () => Promise<Tensor | TensorList>, number][] = [
    ["A", y, () => local.A(x), 1],
    ["A^T", await physics.A_adjoint(y), () => local.A_adjoint(y), BLURS.length],
    ["A^T A", await physics.A_adjoint_A(x), () => local.A_adjoint_A(x), BLURS.length],
  ];
  const seconds = (performance.now() - begin) / 1000;
  for (const [done, [name, distributed, undistributed, terms]] of steps.entries()) {
    if (ctx.rank !== 0) continue;
    const difference = await maxDifference(distributed, await undistributed());
    show(
      `${done + 1}/${steps.length}  ${name.padEnd(6)} max difference to one process ${
        difference.toExponential(2)
      }`,
    );
    if (!(difference <= terms * TOLERANCE)) {
      throw new Error(`Cannot confirm ${name}: it differs by more than ${terms * TOLERANCE}`);
    }
  }
  if (ctx.rank === 0) {
    await Deno.mkdir(output, { recursive: true });
    const mean = (steps[1][1] as Tensor).mul(1 / BLURS.length);
    await writeImage(`${output}/physics_demo.png`, sideBySide([x, ...y, mean]));
    show(
      `wrote ${output}/physics_demo.png (picture | its ${BLURS.length} measurements | A^T y / ${BLURS.length})`,
    );
    printSummary(ctx.stats(), seconds);
  }
  await ctx.barrier();
}
