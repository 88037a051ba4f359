import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { assignDevices, countGpus, type DeviceFacts } from "../../launch/devices.ts";
import { readGpus } from "../../launch/gpu_list.ts";

const nvidia = (bus: string) => ({ address: `0000:${bus}:00.0`, model: "10de:2330" });
const intel = { address: "0000:00:02.0", model: "8086:4680" };
const server: DeviceFacts = {
  os: "linux",
  cores: 32,
  gpus: [intel, nvidia("ca"), nvidia("17"), nvidia("65")],
};
const STEERING = ["DRI_PRIME", "MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE"];

function isSteered(facts: DeviceFacts, env: Record<string, string | undefined>): boolean {
  return assignDevices(facts, env, 2).some((share) => STEERING.some((name) => name in share.env));
}

Deno.test("devices: each rank gets one of the identical GPUs, by address", () => {
  const shares = assignDevices(server, {}, 4);
  deepStrictEqual(shares.map(({ env }) => env.DRI_PRIME), [
    "pci-0000_17_00_0",
    "pci-0000_65_00_0",
    "pci-0000_ca_00_0",
    "pci-0000_17_00_0",
  ]);
  for (const { env } of shares) {
    strictEqual(env.MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE, "1");
    ok(!("NODEVICE_SELECT" in env), "the layer that steers stays on");
  }
  strictEqual(shares[1].label, "GPU 0000:65:00.0 (10de:2330)");
});

Deno.test("devices: with one GPU, or one of a kind, there is nothing to choose", () => {
  for (const gpus of [[], [intel], [intel, nvidia("17")]]) {
    const [share] = assignDevices({ ...server, gpus }, {}, 2);
    ok(!STEERING.some((name) => name in share.env));
    strictEqual(share.env.NODEVICE_SELECT, "1");
    strictEqual(share.label, "left to WebGPU");
  }
});

Deno.test("devices: nothing is steered where a scheduler, the user or the CPU decides", () => {
  ok(isSteered(server, {}));
  ok(isSteered(server, { CUDA_VISIBLE_DEVICES: "0,1,2" }), "all GPUs are visible");
  for (
    const env of [
      { CUDA_VISIBLE_DEVICES: "1" },
      { CUDA_VISIBLE_DEVICES: "0,2" },
      { CUDA_VISIBLE_DEVICES: "GPU-1b2c" },
      { CUDA_VISIBLE_DEVICES: "" },
      { ROCR_VISIBLE_DEVICES: "0" },
      { VK_DRIVER_FILES: "/x.json" },
      { DRI_PRIME: "1" },
      { DEEPINV_DEVICE: "cpu" },
    ]
  ) ok(!isSteered(server, env), JSON.stringify(env));
  const label = (env: Record<string, string>) => assignDevices(server, env, 1)[0].label;
  strictEqual(label({ CUDA_VISIBLE_DEVICES: "1" }), "left to CUDA_VISIBLE_DEVICES");
  strictEqual(label({ DEEPINV_DEVICE: "cpu" }), "CPU");
});

Deno.test("devices: -n gpu counts what may be used", () => {
  strictEqual(countGpus(server, {}), 3);
  strictEqual(countGpus(server, { CUDA_VISIBLE_DEVICES: "2,0" }), 2);
  strictEqual(countGpus(server, { CUDA_VISIBLE_DEVICES: "0,1,2,3,4" }), 3);
  strictEqual(countGpus(server, { CUDA_VISIBLE_DEVICES: "NoDevFiles" }), 0);
  strictEqual(countGpus(server, { ROCR_VISIBLE_DEVICES: "1,-1,0" }), 1);
  strictEqual(countGpus({ ...server, gpus: [] }, {}), 0);
  strictEqual(countGpus({ os: "darwin", cores: 8, gpus: [] }, {}), 1);
});

Deno.test("devices: cores are divided between the ranks, at least one each, unless the user decides", () => {
  const threads = (nproc: number, env = {}) => {
    const [share] = assignDevices(server, env, nproc);
    return [share.env.DEEPINV_THREADS, share.env.LP_NUM_THREADS];
  };
  deepStrictEqual(threads(1), ["32", "32"]);
  deepStrictEqual(threads(3), ["10", "10"]);
  deepStrictEqual(threads(40), ["1", "1"]);
  deepStrictEqual(threads(2, { DEEPINV_THREADS: "5" }), [undefined, "5"]);
  deepStrictEqual(threads(2, { LP_NUM_THREADS: "5" }), ["16", undefined]);
});

Deno.test("devices: graphics variables are defaults, on Linux only", () => {
  const [share] = assignDevices(server, { DENO_WEBGPU_BACKEND: "gl", NODEVICE_SELECT: "0" }, 1);
  ok(!("DENO_WEBGPU_BACKEND" in share.env) && !("NODEVICE_SELECT" in share.env));
  strictEqual(assignDevices(server, {}, 1)[0].env.DENO_WEBGPU_BACKEND, "vulkan");
  const [mac] = assignDevices({ os: "darwin", cores: 8, gpus: [] }, {}, 2);
  deepStrictEqual(mac.env, { DEEPINV_THREADS: "4" });
});

Deno.test("devices: the list holds the GPUs of the bus whose device file is there", async () => {
  const root = await Deno.makeTempDir();
  const write = async (path: string, text: string) => {
    await Deno.mkdir(join(root, path, ".."), { recursive: true });
    await Deno.writeTextFile(join(root, path), text);
  };
  const addDevice = async (address: string, kind: string, vendor: string, device: string) => {
    const folder = `sys/bus/pci/devices/${address}`;
    await write(`${folder}/class`, `${kind}\n`);
    await write(`${folder}/vendor`, `${vendor}\n`);
    await write(`${folder}/device`, `${device}\n`);
  };
  try {
    deepStrictEqual(readGpus(root), []);
    await addDevice("0000:00:1f.2", "0x010601", "0x8086", "0xa352");
    await addDevice("0000:02:00.0", "0x030000", "0x1a03", "0x2000");
    await addDevice("0000:17:00.0", "0x030200", "0x10de", "0x2330");
    await addDevice("0000:65:00.0", "0x030200", "0x10de", "0x2330");
    await addDevice("0000:ca:00.0", "0x030000", "0x1002", "0x744c");
    await write("sys/bus/pci/devices/0000:02:00.0/drm/renderD127", "");
    await write("dev/dri/renderD127", "");
    for (const [address, minor] of [["0000:17:00.0", 0], ["0000:65:00.0", 1]]) {
      await write(`proc/driver/nvidia/gpus/${address}/information`, `Model: X\nDevice Minor: \t ${minor}\n`);
    }
    await write("dev/nvidia1", "");
    await write("sys/bus/pci/devices/0000:ca:00.0/drm/renderD128/dev", "");
    await write("dev/dri/renderD128", "");
    deepStrictEqual(readGpus(root), [
      { address: "0000:65:00.0", model: "10de:2330" },
      { address: "0000:ca:00.0", model: "1002:744c" },
    ]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
