/**
 * A GPU device as another library may see it: without `subgroups`, because the directive `enable subgroups;`, which
 * libraries write where the feature is listed, does not compile in wgpu; and it cannot be destroyed.
 */
export function guestDevice(gpu: GPUDevice): GPUDevice {
  const features = new Set([...gpu.features].filter((feature) => feature !== "subgroups"));
  return new Proxy(gpu, {
    get(target, name) {
      if (name === "features") return features;
      if (name === "destroy") return () => {};
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
