import assert from "node:assert/strict";
import { defaultDevice, Tensor } from "../../src/tensor/mod.ts";
import { onBothDevices } from "../golden.ts";

onBothDevices("a loop that disposes nothing does not fill the device", async () => {
  let x = Tensor.ones([1024, 1024]);
  let most = 0;
  for (let k = 0; k < 250; k++) {
    x = x.mul(0.5).add(1);
    if (k % 10 === 0) await x.slice([[0, 1], [0, 1]]).item();
    most = Math.max(most, defaultDevice().memory().live);
    if (k % 20 === 0) console.log(k, defaultDevice().memory().live / 1e6);
  }
  const allocated = 2 * 250 * 4 * 1024 ** 2;
  assert.ok(most < allocated / 4, `${most} bytes were live at once, of ${allocated} allocated`);
  assert.equal(await x.max().item(), 2);
});
