import { realPart } from "../tensor/complex.ts";
import { irfft, rfft } from "../tensor/rfft.ts";
import { Tensor } from "../tensor/tensor.ts";

/**
 * The ramp filter of filtered back-projection along the detectors, free of the bias of a sampled |frequency|
 * (Kak and Slaney, Principles of Computerized Tomographic Imaging, chapter 3): its impulse response is 1/4 at 0,
 * -1 / (pi n)^2 at odd n, and 0 elsewhere; twice that is applied, to profiles continued by zeros to
 * max(64, 2^ceil(log2(2 detectors))) samples.
 *
 * @param y projections (B, C, detectors, angles)
 * @returns a new tensor of y's shape
 */
export function rampFilter(y: Tensor): Tensor {
  const detectors = y.shape[2];
  const length = Math.max(64, 2 ** Math.ceil(Math.log2(2 * detectors)));
  const response = Float32Array.from({ length }, (_, n) => {
    const distance = Math.min(n, length - n);
    if (distance === 0) return 0.25;
    return distance % 2 === 1 ? -1 / (Math.PI * distance) ** 2 : 0;
  });
  using kernel = Tensor.from(response, [1, 1, length, 1], y);
  using kernelSpectrum = rfft(kernel, [-2]);
  using gain = realPart(kernelSpectrum);
  using padded = y.pad([[0, length - detectors], [0, 0]]);
  using spectrum = rfft(padded, [-2]);
  using filtered = spectrum.mul(gain);
  using profiles = irfft(filtered, [-2]);
  using cropped = profiles.slice([null, null, [0, detectors]]);
  return cropped.mul(2);
}
