import type { Device } from "../compute/device.ts";
import { Tensor } from "../tensor/tensor.ts";
import type { OnnxRuntime, OnnxTensor } from "./onnx_runtime.ts";

/**
 * How tensors go into a model and come out of it: as GPU buffers if the model runs on the device where they are, else
 * through host memory.
 */
export class OnnxExchange {
  readonly #runtime: OnnxRuntime;
  readonly #device: Device | undefined;

  /**
   * @param runtime whose tensors are made
   * @param device that the model runs on too, if it shares one
   */
  constructor(runtime: OnnxRuntime, device: Device | undefined) {
    this.#runtime = runtime;
    this.#device = device;
  }

  /** The device that the model shares and that was closed, so that the model is of no more use. */
  get closed(): Device | undefined {
    return this.#device?.sharing?.isOpen === false ? this.#device : undefined;
  }

  /** What the model takes for x, which must live until the model has run. */
  async feed(x: Tensor): Promise<OnnxTensor> {
    const dims = [...x.shape];
    const { Tensor: Values } = this.#runtime;
    if (x.device !== this.#device) return new Values("float32", await x.data(), dims);
    const buffer = this.#device.sharing!.expose(x.array.storage.buffer);
    return Values.fromGpuBuffer!(buffer, { dataType: "float32", dims });
  }

  /** What the model gave, on a device. */
  async take(output: OnnxTensor, device: Device): Promise<Tensor> {
    if (output.location !== "gpu-buffer") return from(output.data, output.dims, device);
    if (device !== this.#device || output.type !== "float32") {
      return from(await output.getData!(), output.dims, device);
    }
    const result = Tensor.empty([...output.dims], { device });
    device.sharing!.copyFrom(output.gpuBuffer!, result.array.storage.buffer);
    return result;
  }
}

function from(values: ArrayLike<number>, dims: readonly number[], device: Device): Tensor {
  return Tensor.from(Float32Array.from(values), [...dims], { device });
}
