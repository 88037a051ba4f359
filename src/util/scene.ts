/** Pictures made by formulas, for demonstrations, benchmarks and tests: plain arrays with values in [0, 1]. */
export { colourScene } from "./scene/colour_scene.ts";
export { deadLeavesScene } from "./scene/dead_leaves.ts";
export { sheppLogan, sheppLogan3D } from "./scene/shepp_logan.ts";
