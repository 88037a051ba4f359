/**
 * A run that survives failures: projected gradient descent on a blurred picture saves its state every few iterations and,
 * when the launcher starts all ranks again, goes on from the last one. The result is that of a run without a failure on as
 * many ranks, to the last bit.
 *
 *     deno task launch -n 2 --max-restarts 2 examples/resume.ts --fail-at 17
 *
 * Rank 0 alone reads and writes files, so that hosts need no common file system.
 */
import { parseArgs } from "node:util";
import {
  Blur,
  colourScene,
  distribute,
  DistributedContext,
  gaussianBlur,
  GaussianNoise,
  L2,
  PGD,
  PnP,
  psnr,
  saveNpy,
  Tensor,
} from "@deepinv/distributed";
import { Checkpoints } from "./support/checkpoints.ts";

const HELP = `Projected gradient descent that resumes from its last checkpoint

  --iterations N     in all (default 30)
  --every N          iterations between checkpoints (default 5)
  --checkpoints DIR  where they are (default: checkpoints); remove it to begin anew
  --fail-at K        the last rank fails at iteration K of the first start
  --size N           side of the picture in pixels (default 96)
  --output FILE      where the restored picture goes, as a .npy file (default: resume.npy)
`;

const SIGMAS = [1, 1.5, 2];
/** Keeps pixels in [0, 1]: as a denoiser, it makes plug-and-play iterations projected gradient descent. */
const PROJECTION = { forward: (x: Tensor) => Promise.resolve(x.clamp(0, 1)) };

await main(Deno.args);

async function main(args: string[]): Promise<void> {
  const settings = readSettings(args);
  await using ctx = await DistributedContext.create({ device: "cpu", seed: 0 });
  const restarts = Number(Deno.env.get("RESTART_COUNT") ?? 0);
  const truth = colourScene({ size: settings.size, seed: 3 });
  const physics = await distribute(blurAt, ctx, {
    typeObject: "linear_physics",
    numOperators: SIGMAS.length,
  });
  const y = await physics.forward(truth);

  const checkpoints = new Checkpoints(settings.checkpoints);
  const state = await checkpoints.latest(ctx, truth.shape);
  const done = state?.iteration ?? 0;
  if (ctx.rank === 0) console.log(`start ${restarts} on ${ctx.worldSize} ranks, from iteration ${done}`);

  const algorithm = new PGD({
    dataFidelity: await distribute(new L2(), ctx),
    prior: new PnP({ denoiser: PROJECTION }),
    stepsize: 0.5,
    sigmaDenoiser: 0,
    maxIter: Math.max(0, settings.iterations - done),
  });
  const { x } = await algorithm.run(y, physics, {
    init: state?.x ?? Tensor.zeros(truth.shape),
    onIteration: async ({ iteration, x }) => {
      const reached = done + iteration;
      if (reached === settings.failAt && restarts === 0 && ctx.rank === ctx.worldSize - 1) {
        throw new Error(`failing at iteration ${reached}, as asked`);
      }
      if (reached % settings.every === 0 && ctx.rank === 0) await checkpoints.save(reached, x);
    },
  });

  const quality = await (await psnr(x, truth)).item();
  if (ctx.rank === 0) {
    await saveNpy(settings.output, { shape: x.shape, data: await x.data() });
    console.log(`iteration ${settings.iterations}: PSNR ${quality.toFixed(2)} dB, wrote ${settings.output}`);
  }
}

/** Blur `index` with its noise, the same at every start. */
function blurAt(index: number): Blur {
  const noiseModel = new GaussianNoise({ sigma: 0.02, seed: index });
  return new Blur({ filter: gaussianBlur({ sigma: SIGMAS[index] }), padding: "circular", noiseModel });
}

interface Settings {
  iterations: number;
  every: number;
  checkpoints: string;
  failAt: number;
  size: number;
  output: string;
}

function readSettings(args: string[]): Settings {
  const { values } = parseArgs({
    args,
    options: {
      iterations: { type: "string", default: "30" },
      every: { type: "string", default: "5" },
      checkpoints: { type: "string", default: "checkpoints" },
      "fail-at": { type: "string", default: "0" },
      size: { type: "string", default: "96" },
      output: { type: "string", default: "resume.npy" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    Deno.exit(0);
  }
  return {
    iterations: wholeNumber("--iterations", values.iterations),
    every: wholeNumber("--every", values.every),
    checkpoints: values.checkpoints,
    failAt: wholeNumber("--fail-at", values["fail-at"], 0),
    size: wholeNumber("--size", values.size, 16),
    output: values.output,
  };
}

function wholeNumber(flag: string, text: string, least = 1): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new TypeError(`Cannot run: ${flag} must be a whole number >= ${least}, got "${text}"`);
  }
  return value;
}
