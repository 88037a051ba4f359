/**
 * Distributed computational imaging on Deno: operators, denoisers and optimisation algorithms that run on one process or
 * on many without a change.
 *
 * @example Restore a blurred image; alone, or with `deno task launch -n 4 script.ts`
 * ```ts
 * import { Blur, distribute, DistributedContext, DRUNet, gaussianBlur, L2, PGD, PnP, stack, Tensor } from "@deepinv/distributed";
 *
 * await using ctx = await DistributedContext.create({ device: "cpu" });
 * const blurs = [1, 1.5].map((sigma) => new Blur({ filter: gaussianBlur({ sigma }), padding: "circular" }));
 * const physics = await distribute(stack(...blurs), ctx);
 * const y = await physics.forward(Tensor.full([1, 3, 64, 64], 0.5));
 *
 * const denoiser = await distribute(await DRUNet.create({ weights: "small-color" }), ctx, { patchSize: 32, overlap: 8 });
 * const algorithm = new PGD({
 *   dataFidelity: await distribute(new L2(), ctx),
 *   prior: new PnP({ denoiser }),
 *   stepsize: 0.5,
 *   sigmaDenoiser: 0.05,
 *   maxIter: 3,
 * });
 * const { x } = await algorithm.run(y, physics);
 * console.log(x.shape); // [ 1, 3, 64, 64 ]
 * ```
 *
 * @module
 */
export * from "./src/comm/mod.ts";
export * from "./src/tensor/mod.ts";
export * from "./src/physics/mod.ts";
export * from "./src/models/mod.ts";
export * from "./src/optim/mod.ts";
export * from "./src/metrics/mod.ts";
export * from "./src/images/mod.ts";
export * from "./src/distributed/mod.ts";
