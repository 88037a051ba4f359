import { DnCNN, DRUNet, FFDNet, type NetworkDenoiser, UNet } from "../../src/models/mod.ts";
import { openDevice, Tensor } from "../../src/tensor/mod.ts";
import { largestDifference, onBothDevices } from "../golden.ts";
import { Plain } from "../tensor/plain.ts";
import { directConvolution } from "./direct_convolution.ts";
import { plainForward } from "./plain_drunet.ts";
import assert from "node:assert/strict";

/** Whole numbers from a seed: the same on every machine. */
function numbers(seed: number): (least: number, most: number) => number {
  let state = seed * 7919 + 1;
  return (least, most) => {
    state = (state * 48271) % 0x7fffffff;
    return least + state % (most - least + 1);
  };
}

/** Where direct convolutions sum in float64: the network's parameters there. */
async function onCpu(
  network: NetworkDenoiser,
  x: Tensor,
): Promise<{ state: Map<string, Tensor>; x: Tensor; close: () => void }> {
  const device = await openDevice("cpu");
  const state = new Map<string, Tensor>();
  for (const [key, tensor] of network.stateDict()) {
    state.set(key, Tensor.from(await tensor.data(), tensor.shape, { device }));
  }
  return { state, x: Tensor.from(await x.data(), x.shape, { device }), close: () => device.close() };
}

async function assertEqual(actual: Tensor, expected: Tensor, what: string): Promise<void> {
  const scale = await expected.abs().max().item();
  const difference = await largestDifference(actual, expected);
  assert.ok(difference <= 2e-5 * scale, `${what}: ${difference} of ${scale}`);
}

for (let seed = 1; seed <= 10; seed++) {
  onBothDevices(`random architecture ${seed}: DRUNet equals the direct convolution in float64`, async () => {
    const pick = numbers(seed);
    const nc = [pick(1, 20), pick(1, 24), pick(1, 28), pick(1, 36)] as const;
    const [inChannels, outChannels, nb] = [pick(1, 4), pick(1, 4), pick(1, 3)];
    using network = await DRUNet.create({ inChannels, outChannels, nc, nb, seed });
    const shape = [pick(1, 2), inChannels, pick(1, 70), pick(1, 70)];
    using x = Plain.random(shape, seed).tensor();
    const sigma = pick(0, 50) / 100;
    using y = await network.forward(x, sigma);
    const oracle = await onCpu(network, x);
    const map = Tensor.full([shape[0], 1, shape[2], shape[3]], sigma, oracle.x);
    const expected = plainForward(oracle.state, network.config, Tensor.cat([oracle.x, map], 1));
    await assertEqual(y, expected, `nc ${nc}, nb ${nb}, ${inChannels} to ${outChannels}, (${shape})`);
    oracle.close();
  });

  onBothDevices(`random architecture ${seed}: DnCNN equals the direct convolution in float64`, async () => {
    const pick = numbers(seed + 100);
    const [inChannels, depth, nf] = [pick(1, 4), pick(2, 7), pick(1, 40)];
    const bias = pick(0, 1) === 1;
    using network = await DnCNN.create({ inChannels, depth, nf, bias, seed });
    if (bias) {
      const state = network.stateDict();
      for (const [key, { shape }] of state) {
        if (key.endsWith("bias")) state.set(key, Plain.random([...shape], seed).tensor());
      }
      await network.loadStateDict(state);
    }
    const shape = [pick(1, 2), inChannels, pick(1, 40), pick(1, 40)];
    using x = Plain.random(shape, seed).tensor();
    using y = await network.forward(x);
    const { state, x: input, close } = await onCpu(network, x);
    const names = [...state.keys()].filter((key) => key.endsWith("weight")).map((key) =>
      key.slice(0, -".weight".length)
    );
    let expected = input;
    for (const [k, name] of names.entries()) {
      expected = directConvolution(expected, state.get(`${name}.weight`)!, { padding: 1 });
      if (bias) expected = expected.add(state.get(`${name}.bias`)!.reshape([1, expected.shape[1], 1, 1]));
      expected = k < names.length - 1 ? expected.relu() : expected.add(input);
    }
    await assertEqual(y, expected, `depth ${depth}, nf ${nf}, bias ${bias}, (${shape})`);
    close();
  });
}

onBothDevices("the noise level is a number, one per item, or a map, for every network", async () => {
  const networks = [
    await DRUNet.create({ nc: [3, 4, 5, 6], nb: 1, inChannels: 2, outChannels: 2 }),
    await FFDNet.create({ nConvLayers: 3, nf: 5, imgChannels: 2 }),
    await FFDNet.create({ nConvLayers: 3, nf: 5, imgChannels: 2, norm: "instance_norm" }),
    await DnCNN.create({ depth: 3, nf: 5, inChannels: 2 }),
    await UNet.create({ scales: 2, nf: 5, inChannels: 2, outChannels: 2 }),
  ];
  const levels = [0.1, 0.4, 0.2];
  using x = Plain.random([3, 2, 11, 14]).tensor();
  using perItem = Tensor.from(levels);
  using column = perItem.reshape([3, 1]);
  using block = perItem.reshape([3, 1, 1, 1]);
  using map = block.expand([3, 1, 11, 14]);
  for (const network of networks) {
    using _network = network;
    const blind = network instanceof DnCNN || network instanceof UNet;
    using expected = Tensor.zeros(x.shape);
    for (const [item, level] of levels.entries()) {
      using own = x.slice([[item, item + 1]]);
      using alone = await network.forward(own, level);
      expected.writeSlice(alone, [item, 0, 0, 0]);
    }
    for (const sigma of [perItem, column, block, map]) {
      using y = await network.forward(x, sigma);
      assert.ok(await largestDifference(y, expected) < 1e-5, `${network.constructor.name} (${sigma.shape})`);
    }
    using two = Tensor.ones([2]);
    if (blind) (await network.forward(x, two)).dispose();
    else await assert.rejects(network.forward(x, two), /one value per item \(3,\) or a map \(3, 1, 11, 14\)/);
  }
});
