import { requireExtent } from "./extent.ts";
import { Philox } from "../philox.ts";
import { house, lighthouse, type SceneObject } from "./buildings.ts";
import { balloon, fence, sign, tree } from "./foreground.ts";
import { landscape, type Painter } from "./landscape.ts";
import { valueNoise } from "./value_noise.ts";

/** Width / height up to which a scene shows more, not wider, things. */
const MAX_ASPECT = 3;

/**
 * A colour picture to blur and restore: a village between mountains and a meadow, with sharp edges (windows, fence,
 * lettering), fine texture (bricks, tiles, leaves, grass), smooth gradients (sky) and saturated colours.
 *
 * It is the same picture at every resolution of one aspect ratio, averaged over 2 x 2 samples a pixel.
 *
 * @param height rows, at least 1
 * @param width columns, at least 1
 * @param seed another seed gives another village
 * @returns (3, height, width) in [0, 1]: red, green, blue planes
 * @throws {InvalidArgumentError} if height or width is not a positive integer
 */
export function colourScene(height: number, width: number, seed = 0): Float32Array<ArrayBuffer> {
  requireExtent("draw scene", "height", height);
  requireExtent("draw scene", "width", width);
  const aspect = Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, width / height));
  const paint = painter(new Philox(seed), aspect);
  const plane = height * width;
  const out = new Float32Array(3 * plane);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      for (let sample = 0; sample < 4; sample++) {
        const u = (x + (sample & 1 ? 0.75 : 0.25)) / width * aspect;
        const v = (y + (sample & 2 ? 0.75 : 0.25)) / height;
        const color = paint(u, v);
        for (let c = 0; c < 3; c++) out[c * plane + at] += Math.min(1, Math.max(0, color[c])) / 4;
      }
    }
  }
  return out;
}

/** The colour of the nearest thing at a point. */
function painter(random: Philox, aspect: number): Painter {
  const background = landscape(random, aspect);
  const objects = placeObjects(random, aspect);
  return (u, v) => {
    for (const object of objects) {
      if (u < object.left || u > object.right || v < object.top || v > object.bottom) continue;
      const color = object.paint(u, v);
      if (color) return color;
    }
    return background(u, v);
  };
}

/** The things in front of the landscape, nearest first. */
function placeObjects(random: Philox, aspect: number): SceneObject[] {
  const noise = valueNoise(random);
  const between = (low: number, high: number) => low + (high - low) * random.uniform();
  const objects = [
    fence(noise, aspect, 0.885, 0.985),
    sign("DEEPINV", aspect * between(0.52, 0.6), between(0.77, 0.79), 0.24, 0.9),
    tree(random, noise, aspect * between(0.04, 0.1), 0.86, between(0.13, 0.16)),
    tree(random, noise, aspect * between(0.88, 0.96), 0.84, between(0.11, 0.15)),
  ];
  for (let left = between(-0.08, -0.02); left < aspect;) {
    const width = between(0.12, 0.2);
    objects.push(house(random, noise, left, width, between(0.765, 0.785)));
    left += width + between(0.012, 0.07);
  }
  objects.push(lighthouse(aspect * between(0.6, 0.72), between(0.3, 0.36), 0.74));
  for (let centre = between(0, 0.05); centre < aspect; centre += between(0.07, 0.15)) {
    objects.push(tree(random, noise, centre, between(0.72, 0.735), between(0.03, 0.055)));
  }
  objects.push(balloon(aspect * between(0.2, 0.36), between(0.14, 0.19), 0.095));
  return objects;
}
