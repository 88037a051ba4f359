import type { NamedWeights } from "./weights_source.ts";

/** A file of deepinv's own pretrained weights, as its `get_weights_url` names them. */
function published(model: string, file: string): URL {
  return new URL(`https://huggingface.co/deepinv/${model}/resolve/main/${file}?download=true`);
}

/** `"color"`, `"gray"`, or undefined where deepinv has no weights. */
function palette(inChannels: number, outChannels: number): "color" | "gray" | undefined {
  if (inChannels !== outChannels) return undefined;
  return inChannels === 3 ? "color" : inChannels === 1 ? "gray" : undefined;
}

/** What DRUNet's weights are called: a small network that ships with the package, and deepinv's `"download"`. */
export function drunetWeights(inChannels: number, outChannels: number): NamedWeights {
  const colours = palette(inChannels, outChannels);
  const file = colours === "color"
    ? "drunet_deepinv_color_finetune_22k.pth"
    : "drunet_deepinv_gray_finetune_26k.pth";
  return {
    "small-color": new URL("./weights/drunet_small_color.safetensors", import.meta.url),
    ...(colours && { download: published("drunet", file) }),
  };
}

/** What DnCNN's weights are called: deepinv's `"download"` and `"download_lipschitz"`. */
export function dncnnWeights(inChannels: number, outChannels: number): NamedWeights {
  const colours = palette(inChannels, outChannels);
  if (!colours) return {};
  return {
    download: published("dncnn", `dncnn_sigma2_${colours}.pth`),
    download_lipschitz: published("dncnn", `dncnn_sigma2_lipschitz_${colours}.pth`),
  };
}

/** What EPLL's mixtures are called: deepinv's `"download"`, of BSDS500, and `"GMM_lodopab_small"`, of computed tomography. */
export function epllWeights(patchSize: number, channels: number): NamedWeights {
  const colours = palette(channels, channels);
  if (patchSize === 6 && colours) return { download: published("EPLL", `GMM_BSDS_${colours}2.pt`) };
  if (patchSize === 3 && channels === 1) {
    return { GMM_lodopab_small: published("EPLL", "GMM_lodopab_small.pt") };
  }
  return {};
}
