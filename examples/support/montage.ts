import { Tensor } from "@deepinv/distributed";

/** Images (1, C, H, W) of one size side by side with a white gap between them, clamped to [0, 1]. */
export function sideBySide(images: readonly Tensor[], gap = 8): Tensor {
  const [, channels, height] = images[0].shape;
  const parts = images.flatMap((image, i) => {
    const visible = image.clamp(0, 1);
    return i === 0 ? [visible] : [Tensor.ones([1, channels, height, gap], image), visible];
  });
  const montage = Tensor.cat(parts, 3);
  parts.forEach((part) => part.dispose());
  return montage;
}
