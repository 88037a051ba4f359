import type { BufferPart, ConvSpec } from "./conv_engine.ts";
import type { DeviceBuffer } from "./device.ts";

/** A buffer that counts what is done to it. */
export interface CountedBuffer extends DeviceBuffer {
  /** Times that its values were written. */
  readonly version: number;
  /** Whether it was given back. */
  readonly released: boolean;
}

/** What a layer was made from, in the state that the buffers were in. */
export interface LayerSource {
  readonly key: string;
  readonly weights: CountedBuffer;
  readonly weightsVersion: number;
  readonly bias: CountedBuffer | undefined;
  readonly biasVersion: number;
}

/** What a layer will be made from. The buffers are the device's own. */
export function layerSource(spec: ConvSpec, weights: BufferPart, bias: BufferPart | undefined): LayerSource {
  const [filters, added] = [weights.buffer as CountedBuffer, bias?.buffer as CountedBuffer | undefined];
  return {
    key: JSON.stringify([weights.offset, bias?.offset ?? null, spec]),
    weights: filters,
    weightsVersion: filters.version,
    bias: added,
    biasVersion: added?.version ?? 0,
  };
}

/**
 * Layers that nobody uses at the moment, by the buffer that their weights came from: good until that buffer or the bias's
 * changes, or the former is released.
 */
export class LayerCache<Layer> {
  readonly #drop: (layer: Layer) => void;
  readonly #idle = new Map<CountedBuffer, Map<string, { source: LayerSource; layer: Layer }>>();

  /** @param drop frees a layer that is of no more use */
  constructor(drop: (layer: Layer) => void) {
    this.#drop = drop;
  }

  /** Hands out the layer that was made from the same; it is the caller's until it is put back. */
  take(source: LayerSource): Layer | undefined {
    const layers = this.#idle.get(source.weights);
    const found = layers?.get(source.key);
    if (!layers || !found) return undefined;
    layers.delete(source.key);
    const { weightsVersion, bias, biasVersion } = found.source;
    if (
      weightsVersion === source.weightsVersion && bias === source.bias && biasVersion === source.biasVersion
    ) {
      return found.layer;
    }
    this.#drop(found.layer);
    return undefined;
  }

  /** Keeps a layer; tells whether it does: not if the weights' buffer is gone, or it has another one like it. */
  put(source: LayerSource, layer: Layer): boolean {
    if (source.weights.released) return false;
    let layers = this.#idle.get(source.weights);
    if (!layers) this.#idle.set(source.weights, layers = new Map());
    if (layers.has(source.key)) return false;
    layers.set(source.key, { source, layer });
    return true;
  }

  /** Drops the layers made from a buffer. */
  forget(buffer: DeviceBuffer): void {
    const layers = this.#idle.get(buffer as CountedBuffer);
    this.#idle.delete(buffer as CountedBuffer);
    layers?.forEach(({ layer }) => this.#drop(layer));
  }

  /** Drops all layers. */
  clear(): void {
    for (const buffer of [...this.#idle.keys()]) this.forget(buffer);
  }
}
