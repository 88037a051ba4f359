import { Prior } from "../../src/optim/mod.ts";
import type { Tensor } from "../../src/tensor/mod.ts";
import { otherDims } from "../../src/tensor/signal.ts";

/** ||x||^2 / 2, whose proximal operator is x / (1 + gamma). Its gradient gives back x itself. */
export class HalfSquare extends Prior {
  override readonly explicitPrior = true;

  /** ||x||^2 / 2 per item */
  override async fn(x: Tensor): Promise<Tensor> {
    using squares = x.dot(x, otherDims(x));
    return await Promise.resolve(squares.mul(0.5));
  }

  /** x */
  override async grad(x: Tensor): Promise<Tensor> {
    return await Promise.resolve(x);
  }

  /** x / (1 + gamma) */
  override async prox(x: Tensor, _sigma: number | undefined, gamma: number): Promise<Tensor> {
    return await Promise.resolve(x.mul(1 / (1 + gamma)));
  }
}

/** A denoiser that keeps values in [0, 1]. */
export const CLAMP = { forward: (x: Tensor): Promise<Tensor> => Promise.resolve(x.clamp(0, 1)) };

/** A denoiser that gives back its very input. */
export const IDENTITY = { forward: (x: Tensor): Promise<Tensor> => Promise.resolve(x) };
