import { distribute, DistributedContext } from "../../src/distributed/mod.ts";
import { Denoiser, MedianFilter } from "../../src/models/mod.ts";
import { DataFidelity, PGD, PnP, Prior, RED } from "../../src/optim/mod.ts";
import { LinearPhysics, stack, type Tensor } from "../../src/physics/mod.ts";
import { otherDims } from "../../src/tensor/signal.ts";
import { image, largestDifference } from "../golden.ts";
import assert from "node:assert/strict";

/** x + level / 10, with a private count of its calls. */
class Lifts extends Denoiser {
  #calls = 0;

  get calls(): number {
    return this.#calls;
  }

  override forward(x: Tensor, sigma: number | Tensor): Promise<Tensor> {
    this.#calls++;
    return Promise.resolve(x.add(Number(sigma) / 10));
  }
}

/** A prior of a user, whose own state is private and whose denoiser is behind an accessor. */
class Blended extends Prior {
  readonly #share: number;
  readonly #denoiser: Denoiser;
  #last = 0;

  constructor(denoiser: Denoiser, share: number) {
    super();
    this.#denoiser = denoiser;
    this.#share = share;
  }

  get denoiser(): Denoiser {
    return this.#denoiser;
  }

  get last(): number {
    return this.#last;
  }

  override async prox(x: Tensor, sigma: number | undefined, gamma: number): Promise<Tensor> {
    this.#last = gamma;
    using denoised = await this.denoiser.forward(x, sigma ?? 0);
    using share = denoised.mul(this.#share);
    return share.addScaled(x, 1 - this.#share);
  }
}

class DampedPnP extends PnP {
  readonly #damping = 0.25;

  override async prox(x: Tensor, sigma: number | undefined, gamma: number): Promise<Tensor> {
    using denoised = await super.prox(x, sigma, gamma);
    using share = denoised.mul(1 - this.#damping);
    return share.addScaled(x, this.#damping);
  }
}

/** y = w x, and half the squared distance, with private fields. */
class Scale extends LinearPhysics<Tensor> {
  readonly #weight: number;

  constructor(weight: number) {
    super();
    this.#weight = weight;
  }

  override A(x: Tensor): Promise<Tensor> {
    return Promise.resolve(x.mul(this.#weight));
  }

  override A_adjoint(y: Tensor): Promise<Tensor> {
    return this.A(y);
  }
}

class Weighted extends DataFidelity {
  readonly #weight = 0.5;

  override async d(u: Tensor, y: Tensor): Promise<Tensor> {
    using gap = u.sub(y);
    using squares = gap.dot(gap, otherDims(gap));
    return await Promise.resolve(squares.mul(this.#weight));
  }

  override async gradD(u: Tensor, y: Tensor): Promise<Tensor> {
    using gap = u.sub(y);
    return await Promise.resolve(gap.mul(2 * this.#weight));
  }

  override async proxD(u: Tensor, y: Tensor, gamma: number): Promise<Tensor> {
    using sum = u.addScaled(y, gamma);
    return await Promise.resolve(sum.mul(1 / (1 + gamma)));
  }
}

const tiles = { patchSize: 8, overlap: 2 };

Deno.test("classes of a user with private fields are distributed as they are", async () => {
  await using ctx = await DistributedContext.create({ device: "cpu", seed: 1 });
  const x = image(2, 1, 20, 17);
  for (const prior of [new Blended(new Lifts(), 0.5), new DampedPnP({ denoiser: new Lifts() })]) {
    const denoiser = prior.denoiser as Lifts;
    const alone = await prior.prox(x, 0.3, 2);
    const before = denoiser.calls;
    const spread = await distribute(prior, ctx, { ...tiles, maxBatchSize: 1 });
    const together = await spread.prox(x, 0.3, 3);
    assert.ok(await largestDifference(together, alone) < 1e-6);
    assert.equal(denoiser.calls - before, 9, "the tiles went through the denoiser");
    assert.equal(prior.denoiser, denoiser, "the prior itself still asks its own denoiser");
    if (prior instanceof Blended) assert.equal(prior.last, 3);
  }
  const physics = stack(new Scale(0.5), new Scale(0.25));
  const y = await physics.A(x);
  const options = { prior: new PnP({ denoiser: new Lifts() }), sigmaDenoiser: 0.1, maxIter: 3 };
  const local = await new PGD({ ...options, dataFidelity: new Weighted() }).run(y, physics);
  const dataFidelity = await distribute(new Weighted(), ctx);
  const prior = await distribute(options.prior, ctx, tiles);
  const spread = await new PGD({ ...options, dataFidelity, prior }).run(y, await distribute(physics, ctx));
  assert.ok(await largestDifference(local.x, spread.x) < 1e-6);
});

Deno.test("a prior and its distributed twins are used at the same time, each with its own denoiser", async () => {
  await using ctx = await DistributedContext.create({ device: "cpu", seed: 1 });
  const x = image(1, 1, 20, 17);
  const prior = new RED({ denoiser: new MedianFilter({ kernelSize: 5 }) });
  const coarse = await distribute(prior, ctx, { patchSize: 8, overlap: 0 });
  const fine = await distribute(prior, ctx, { patchSize: 6, overlap: 1 });
  const one = [await prior.grad(x, 0.1), await coarse.grad(x, 0.1), await fine.grad(x, 0.1)];
  const together = await Promise.all([prior.grad(x, 0.1), coarse.grad(x, 0.1), fine.grad(x, 0.1)]);
  for (const [i, gradient] of together.entries()) {
    assert.equal(await largestDifference(gradient, one[i]), 0);
  }
  assert.ok(await largestDifference(one[0], one[1]) > 1e-3, "cut without a halo, tiles differ");
  const other = new MedianFilter({ kernelSize: 3 });
  (prior as { denoiser: Denoiser }).denoiser = other;
  assert.equal(prior.denoiser, other, "and it takes another one");
  const frozen: RED = Object.freeze(new RED({ denoiser: other })) as RED;
  await assert.rejects(
    distribute(frozen, ctx),
    /the prior must be one whose denoiser can be replaced, got a frozen one/,
  );
});
