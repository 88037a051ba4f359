/**
 * The dot test of every linear operator, <A x, y> = <x, A' y> to 1e-4, on 20 shapes: those that break things first (one pixel,
 * one row, primes), then random ones. A new operator needs one line in the table.
 */
import {
  Blur,
  BlurFFT,
  compose,
  CompressedSensing,
  Decolorize,
  Demosaicing,
  Denoising,
  Downsampling,
  DynamicMRI,
  Inpainting,
  type LinearPhysics,
  MRI,
  MultiCoilMRI,
  Pansharpen,
  RadioInterferometry,
  SequentialMRI,
  SinglePixelCamera,
  SpaceVaryingBlur,
  stack,
  StructuredRandom,
  Tensor,
  Tomography,
  Upsampling,
} from "../../src/physics/mod.ts";
import { Philox } from "../../src/util/philox.ts";
import { randomValues } from "../compute/oracle.ts";
import { onBothDevices } from "../golden.ts";
import { assertAdjoint } from "./adjoint.ts";

/** Sizes of one trial, and random numbers for what else an operator needs. */
interface Trial {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** A whole number in [least, most]. */
  pick(least: number, most: number): number;
  /** Values in [-1, 1). */
  values(...shape: number[]): Tensor;
  /** Zeros and ones. */
  mask(...shape: number[]): Tensor;
}

/** An operator and the shape of its images. */
type Built = readonly [physics: LinearPhysics, shape: readonly number[]];

const FIRST: readonly (readonly [height: number, width: number])[] = [
  [1, 1],
  [1, 2],
  [2, 1],
  [1, 7],
  [13, 1],
  [2, 2],
  [3, 5],
  [7, 7],
  [11, 13],
  [16, 16],
];
const TRIALS = 20;
const PADDINGS = ["circular", "reflect", "replicate", "constant"] as const;
const FILTERS = [null, "gaussian", "bilinear", "bicubic", "sinc"] as const;

/** (B, C, H, W) */
const image = (t: Trial): number[] => [t.batch, t.channels, t.height, t.width];
const imgSize = (t: Trial): number[] => image(t).slice(1);
/** A filter that fits inside the image, for one or all items and channels. */
const filter = (t: Trial): Tensor => {
  const batch = [1, t.batch][t.pick(0, 1)], channels = [1, t.channels][t.pick(0, 1)];
  return t.values(batch, channels, t.pick(1, Math.min(5, t.height)), t.pick(1, Math.min(5, t.width)));
};
const powerOfTwo = (size: number): number => 2 ** Math.floor(Math.log2(size));

const OPERATORS: Readonly<Record<string, (t: Trial) => Built>> = {
  ...Object.fromEntries(
    (["valid", ...PADDINGS] as const).map((
      padding,
    ) => [`Blur ${padding}`, (t: Trial): Built => [new Blur({ filter: filter(t), padding }), image(t)]]),
  ),
  BlurFFT: (t) => [new BlurFFT({ imgSize: imgSize(t), filter: filter(t) }), image(t)],
  Downsampling: (t) => [new Downsampling(sampling(t)), image(t)],
  Upsampling: (t) => {
    const options = sampling(t);
    const { batch, channels, height, width } = t;
    const [h, w] = [height, width].map((size) => Math.ceil(size / options.factor));
    return [new Upsampling(options), [batch, channels, h, w]];
  },
  Inpainting: (t) => [
    new Inpainting({ imgSize: imgSize(t), mask: t.mask(1, t.channels, t.height, t.width) }),
    image(t),
  ],
  Demosaicing: (t) => [new Demosaicing({ imgSize: [3, t.height, t.width] }), [t.batch, 3, t.height, t.width]],
  Denoising: (t) => [new Denoising(), image(t)],
  Decolorize: (t) => [
    new Decolorize({ channels: t.channels, srf: t.channels === 3 ? "rec601" : "random" }),
    image(t),
  ],
  MRI: (t) => [new MRI({ mask: t.mask(t.height, t.width) }), [t.batch, 2, t.height, t.width]],
  "MRI 3D": (t) => {
    const depth = t.pick(1, 3);
    const mask = t.mask(depth, t.height, t.width);
    return [new MRI({ mask, threeD: true }), [t.batch, 2, depth, t.height, t.width]];
  },
  MultiCoilMRI: (t) => {
    const coilMaps = t.values(1, t.pick(1, 3), t.height, t.width, 2);
    return [new MultiCoilMRI({ mask: t.mask(t.height, t.width), coilMaps }), [t.batch, 2, t.height, t.width]];
  },
  DynamicMRI: (t) => {
    const frames = t.pick(1, 3);
    return [
      new DynamicMRI({ mask: t.mask(frames, t.height, t.width) }),
      [t.batch, 2, frames, t.height, t.width],
    ];
  },
  SequentialMRI: (t) => [
    new SequentialMRI({ mask: t.mask(t.pick(1, 4), t.height, t.width) }),
    [t.batch, 2, t.height, t.width],
  ],
  Tomography: (t) => {
    const angles = t.pick(1, 5), circle = t.pick(0, 1) === 1;
    const physics = new Tomography({ angles, imgWidth: t.height, circle, normalize: false });
    return [physics, [t.batch, t.channels, t.height, t.height]];
  },
  "Tomography fan beam": (t) => {
    const fanParameters = { nDetectorPixels: t.pick(1, 20) };
    const physics = new Tomography({
      angles: 3,
      imgWidth: t.height,
      fanBeam: true,
      fanParameters,
      normalize: false,
    });
    return [physics, [t.batch, t.channels, t.height, t.height]];
  },
  CompressedSensing: (t) => {
    const channelwise = t.pick(0, 1) === 1;
    return [new CompressedSensing({ m: t.pick(1, 20), imgSize: imgSize(t), channelwise }), image(t)];
  },
  SinglePixelCamera: (t) => {
    const size = [t.channels, powerOfTwo(t.height), powerOfTwo(t.width)];
    const ordering = (["sequency", "cake_cutting", "zig_zag", "xy"] as const)[t.pick(0, 3)];
    const m = t.pick(1, size[1] * size[2]);
    return [new SinglePixelCamera({ m, imgSize: size, ordering }), [t.batch, ...size]];
  },
  Pansharpen: (t) => [new Pansharpen({ imgSize: imgSize(t), factor: t.pick(1, 3) }), image(t)],
  "Blur 3D": (t) => {
    const padding = (["valid", ...PADDINGS] as const)[t.pick(0, 4)], depth = t.pick(1, 4);
    const taps = [depth, t.height, t.width].map((extent) => t.pick(1, Math.min(3, extent)));
    return [
      new Blur({ filter: t.values(1, 1, ...taps), padding }),
      [t.batch, t.channels, depth, t.height, t.width],
    ];
  },
  SpaceVaryingBlur: (t) => {
    const padding = (["valid", ...PADDINGS] as const)[t.pick(0, 4)], count = t.pick(1, 3);
    const taps = [t.height, t.width].map((extent) => t.pick(1, Math.min(4, extent)));
    const filters = t.values(1, [1, t.channels][t.pick(0, 1)], count, ...taps);
    const multipliers = t.values([1, t.batch][t.pick(0, 1)], 1, count, t.height, t.width);
    return [new SpaceVaryingBlur({ filters, multipliers, padding }), image(t)];
  },
  RadioInterferometry: (t) => {
    const samplesLoc = t.values(2, t.pick(1, 9)), realProjection = t.pick(0, 1) === 1;
    const physics = new RadioInterferometry({ imgSize: [t.height, t.width], samplesLoc, realProjection });
    return [physics, [t.batch, realProjection ? 1 : 2, t.height, t.width]];
  },
  StructuredRandom: (t) => {
    const size = [2, t.height, t.width], grown = t.pick(-1, 2);
    const outputSize = [2, ...size.slice(1).map((extent) => Math.max(1, extent + grown))];
    return [new StructuredRandom({ imgSize: size, outputSize, nLayers: t.pick(1, 4) / 2 }), [
      t.batch,
      ...size,
    ]];
  },
  "a stack": (t) => [
    stack(
      new Blur({ filter: filter(t), padding: "circular" }),
      new Denoising(),
      new Blur({ filter: filter(t) }),
    ),
    image(t),
  ],
  "a composition": (t) => [
    compose(new Blur({ filter: filter(t), padding: "reflect" }), new Downsampling(sampling(t))),
    image(t),
  ],
};

function sampling(t: Trial) {
  const name = FILTERS[t.pick(0, 4)];
  return {
    imgSize: imgSize(t),
    filter: t.pick(0, 1) === 1 ? filter(t) : name,
    factor: t.pick(1, 4),
    padding: (["circular", "replicate", "constant"] as const)[t.pick(0, 2)],
  };
}

function trial(number: number): Trial {
  const random = new Philox(number, 1);
  const pick = (least: number, most: number) => least + Math.floor(random.uniform() * (most - least + 1));
  const [height, width] = FIRST[number] ?? [pick(1, 19), pick(1, 19)];
  const values = (...shape: number[]) => Tensor.from(randomValues(count(shape), 100 + pick(0, 999)), shape);
  const mask = (...shape: number[]) =>
    Tensor.from(Float32Array.from({ length: count(shape) }, () => pick(0, 1)), shape);
  return { batch: [1, 2, 3][number % 3], channels: pick(1, 3), height, width, pick, values, mask };
}

function count(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

for (const [name, build] of Object.entries(OPERATORS)) {
  onBothDevices(`${name}: dot test on ${TRIALS} shapes`, async () => {
    for (let number = 0; number < TRIALS; number++) {
      const t = trial(number);
      const [physics, shape] = build(t);
      using x = t.values(...shape);
      await assertAdjoint(physics, x, `${name}, images (${shape.join(", ")}), trial ${number}`);
    }
  });
}
