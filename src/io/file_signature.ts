/** What the first bytes of a file say it is, so that an error can name the format it was given. */

const SIGNATURES: readonly (readonly [name: string, offset: number, bytes: string])[] = [
  ["a PNG image", 0, "\x89PNG\r\n\x1a\n"],
  ["a JPEG image", 0, "\xff\xd8\xff"],
  ["a GIF image", 0, "GIF8"],
  ["a WebP image", 8, "WEBP"],
  ["a BMP image", 0, "BM"],
  ["a TIFF image", 0, "II*\0"],
  ["a TIFF image", 0, "MM\0*"],
  ["a BigTIFF image", 0, "II+\0"],
  ["an AVIF image", 4, "ftypavif"],
  ["a HEIC image", 4, "ftyphei"],
  ["a HEIF image", 4, "ftypmif1"],
  ["a JPEG XL image", 0, "\xff\x0a"],
  ["a JPEG XL image", 4, "JXL \r\n\x87\n"],
  ["a JPEG 2000 image", 4, "jP  \r\n\x87\n"],
  ["a Photoshop image", 0, "8BPS"],
  ["an OpenEXR image", 0, "v/1\x01"],
  ["an MNG animation", 0, "\x8aMNG\r\n\x1a\n"],
  ["an icon file", 0, "\0\0\x01\0"],
  ["a PDF document", 0, "%PDF"],
  ["an SVG drawing", 0, "<svg"],
  ["an XML or SVG file", 0, "<?xml"],
  ["an HTML page", 0, "<!DOCTYPE html"],
  ["a NumPy array", 0, "\x93NUMPY"],
  ["an HDF5 file", 0, "\x89HDF\r\n\x1a\n"],
  ["a MATLAB file", 0, "MATLAB"],
  ["a zip archive (perhaps .npz or .pth)", 0, "PK\x03\x04"],
  ["a gzip archive", 0, "\x1f\x8b"],
  ["a netpbm image", 0, "P4"],
  ["a netpbm image", 0, "P5"],
  ["a netpbm image", 0, "P6"],
];

/**
 * Names the format of `bytes` by its signature.
 *
 * @returns for example `"a JPEG image"`, `"empty"`, or `"of an unknown format, its first bytes 61 62 63"`
 */
export function describeFormat(bytes: Uint8Array): string {
  if (bytes.length === 0) return "empty";
  const found = SIGNATURES.find(([, offset, signature]) => startsWith(bytes, signature, offset));
  if (found) return found[0];
  const head = Array.from(bytes.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0"));
  return `of an unknown format, its first bytes ${head.join(" ")}`;
}

/** Whether `bytes` hold the characters of `signature` (one byte each) at `offset`. */
export function startsWith(bytes: Uint8Array, signature: string, offset = 0): boolean {
  if (bytes.length < offset + signature.length) return false;
  for (let i = 0; i < signature.length; i++) {
    if (bytes[offset + i] !== signature.charCodeAt(i)) return false;
  }
  return true;
}
