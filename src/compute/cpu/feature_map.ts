import type { FeatureMap } from "../conv_engine.ts";
import type { Arena } from "./arena.ts";

/**
 * One image's activations in the arena: rows of pixels, the channels of a pixel side by side and padded with zeros to a
 * multiple of 4. One pixel of zeros surrounds the image, and further ones complete it to whole 4x4 tiles, so that
 * kernels read there without asking.
 */
export class CpuFeatureMap implements FeatureMap {
  /** Values per pixel. */
  readonly pixel: number;
  /** Bytes from one row to the next. */
  readonly rowBytes: number;
  /** Size in the arena. */
  readonly bytes: number;
  /** All values, the border included. */
  readonly data: Float32Array;
  /** Set once it was given back. */
  released = false;

  /** @param address at least {@link featureMapBytes} bytes of the arena */
  constructor(
    arena: Arena,
    readonly address: number,
    readonly channels: number,
    readonly height: number,
    readonly width: number,
  ) {
    this.pixel = padded(channels);
    this.rowBytes = 4 * this.pixel * (padded(width) + 2);
    this.bytes = featureMapBytes(channels, height, width);
    this.data = arena.view(address, this.bytes / 4);
    this.#clearBorder();
  }

  /** Address of the image's first pixel. */
  get origin(): number {
    return this.address + this.rowBytes + 4 * this.pixel;
  }

  /** 4x4 tiles in a row. */
  get tilesPerRow(): number {
    return Math.ceil(this.width / 4);
  }

  /** 4x4 tiles of the image, counted row by row. */
  get tiles(): number {
    return this.tilesPerRow * Math.ceil(this.height / 4);
  }

  /**
   * Fills the map from planes (channels, height, width) that start at `offset`: row after row, so that its pixels stay
   * in the cache, and four channels at a time, which lie side by side.
   */
  read(planes: Float32Array, offset: number): void {
    const { data, pixel, width, channels } = this;
    const plane = this.height * width;
    for (let y = 0; y < this.height; y++) {
      for (let c = 0; c < pixel; c += 4) {
        let to = this.#index(y) + c;
        let from = offset + c * plane + y * width;
        if (c + 4 <= channels) {
          for (const end = from + width; from < end; from++, to += pixel) {
            data[to] = planes[from];
            data[to + 1] = planes[from + plane];
            data[to + 2] = planes[from + 2 * plane];
            data[to + 3] = planes[from + 3 * plane];
          }
          continue;
        }
        for (const end = from + width; from < end; from++, to += pixel) {
          for (let k = 0; k < 4; k++) data[to + k] = c + k < channels ? planes[from + k * plane] : 0;
        }
      }
    }
  }

  /** Writes the map as planes (channels, height, width) from `offset` on. */
  write(planes: Float32Array, offset: number): void {
    const { data, pixel, width, channels } = this;
    const plane = this.height * width;
    for (let y = 0; y < this.height; y++) {
      for (let c = 0; c < channels; c += 4) {
        let from = this.#index(y) + c;
        let to = offset + c * plane + y * width;
        const count = channels - c;
        if (count >= 4) {
          for (const end = to + width; to < end; to++, from += pixel) {
            planes[to] = data[from];
            planes[to + plane] = data[from + 1];
            planes[to + 2 * plane] = data[from + 2];
            planes[to + 3 * plane] = data[from + 3];
          }
          continue;
        }
        for (const end = to + width; to < end; to++, from += pixel) {
          for (let k = 0; k < count; k++) planes[to + k * plane] = data[from + k];
        }
      }
    }
  }

  /** Index of the first value of image row `y`. */
  #index(y: number): number {
    return ((y + 1) * this.rowBytes) / 4 + this.pixel;
  }

  #clearBorder(): void {
    const row = this.rowBytes / 4;
    this.data.fill(0, 0, row);
    for (let y = 0; y < this.height; y++) {
      const start = (y + 1) * row;
      for (let i = start; i < start + this.pixel; i++) this.data[i] = 0;
      for (let i = start + (this.width + 1) * this.pixel; i < start + row; i++) this.data[i] = 0;
    }
    this.data.fill(0, (this.height + 1) * row);
  }
}

/** Bytes of a feature map of this shape. */
export function featureMapBytes(channels: number, height: number, width: number): number {
  return 4 * padded(channels) * (padded(height) + 2) * (padded(width) + 2);
}

/** The next multiple of 4. */
export function padded(count: number): number {
  return Math.ceil(count / 4) * 4;
}
