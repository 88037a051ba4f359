/**
 * An operator of one's own, spread over the ranks: cameras that shook during the exposure, each along another path, saw one
 * scene. FISTA with total variation restores it; each rank builds and applies its own cameras only.
 *
 *     deno task launch -n 2 examples/custom_operator.ts --cameras 4
 */
import {
  colourScene,
  distribute,
  DistributedContext,
  FISTA,
  GaussianNoise,
  L2,
  LinearPhysics,
  Philox,
  type PhysicsOptions,
  psnr,
  Tensor,
  TVPrior,
  writeImage,
} from "@deepinv/distributed";
import { sideBySide } from "./support/montage.ts";
import { ProgressLine } from "./support/progress.ts";
import { readFlags } from "./support/settings.ts";
import { printSummary } from "./support/summary.ts";

const HELP = `Restoration from shaken exposures, with an operator written here

  --size N           side of the scene in pixels (default 128)
  --cameras N        shaken exposures (default 4)
  --iterations N     of FISTA (default 40)
  --output DIR       where the picture goes (default: the current folder)
`;

/** Pixels (down, right) by which the image is moved, one entry for each moment of the exposure. */
type Path = readonly (readonly [down: number, right: number])[];

/** A shaken camera: y = 1/K sum_k shift(x, path_k), with periodic borders; moving back is the adjoint of moving. */
class ShakenCamera extends LinearPhysics<Tensor> {
  readonly #path: Path;

  constructor(options: PhysicsOptions & { path: Path }) {
    super(options);
    this.#path = options.path;
  }

  override A(x: Tensor): Promise<Tensor> {
    return this.#mean(x, 1);
  }

  override A_adjoint(y: Tensor): Promise<Tensor> {
    return this.#mean(y, -1);
  }

  async #mean(x: Tensor, sign: 1 | -1): Promise<Tensor> {
    let sum = Tensor.zeros(x.shape, x);
    for (const [down, right] of this.#path) {
      using before = sum;
      using moved = x.roll(sign * down, 2);
      using shifted = moved.roll(sign * right, 3);
      sum = before.addScaled(shifted, 1 / this.#path.length);
    }
    return await Promise.resolve(sum);
  }
}

/** A random walk of 24 steps that leaves the centre in a direction of its own. */
function randomWalk(seed: number): Path {
  const random = new Philox(seed);
  const drift = [random.normal(), random.normal()], place = [0, 0];
  return Array.from({ length: 24 }, () => {
    for (const axis of [0, 1]) place[axis] += 0.3 * drift[axis] + 0.5 * random.normal();
    return [Math.round(place[0]), Math.round(place[1])] as const;
  });
}

/** Camera `index`; only the rank that holds it builds it. */
function cameraAt(index: number): ShakenCamera {
  return new ShakenCamera({
    path: randomWalk(index),
    noiseModel: new GaussianNoise({ sigma: 0.02, seed: 100 + index }),
  });
}

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const { size, cameras, iterations, output } = readFlags(args, HELP, {
    size: 128,
    cameras: 4,
    iterations: 40,
    output: ".",
  });
  await using ctx = await DistributedContext.create({ seed: 0, seedOffset: false });
  const begin = performance.now();
  const truth = await colourScene({ size, seed: 7 });
  const gap = Math.abs(await cameraAt(0).adjointnessTest(truth));
  const physics = await distribute(cameraAt, ctx, { typeObject: "linear_physics", numOperators: cameras });
  const y = await physics.forward(truth);
  if (ctx.rank === 0) {
    console.log(`${size} x ${size} pixels, ${cameras} cameras, ${ctx.worldSize} ranks on ${ctx.device.name}`);
    console.log(`dot test: ${gap.toExponential(1)} for ${truth.numel} values`);
  }
  const algorithm = new FISTA({
    dataFidelity: await distribute(new L2(), ctx),
    prior: new TVPrior({ nItMax: 20 }),
    stepsize: 1 / cameras,
    lambda: 0.004 * cameras,
    maxIter: iterations,
  });
  const progress = ctx.rank === 0 ? new ProgressLine() : undefined;
  const { x } = await algorithm.run(y, physics, {
    init: y.get(0),
    xGt: truth,
    onIteration: (info) => progress?.show(info),
  });
  const seconds = (performance.now() - begin) / 1000;

  if (ctx.rank === 0) {
    const [before, after] = await Promise.all([y.get(0), x].map((image) => psnr(image, truth).item()));
    console.log(`PSNR of the first exposure ${before.toFixed(2)} dB, restored ${after.toFixed(2)} dB`);
    await Deno.mkdir(output, { recursive: true });
    const path = `${output}/custom_operator.png`;
    await writeImage(path, sideBySide([truth, y.get(0), x]));
    console.log(`wrote ${path} (truth | first exposure | restored)`);
    printSummary(ctx.stats(), seconds);
  }
}
