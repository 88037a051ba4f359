import assert from "node:assert/strict";
import { indexScale, linearScale, logScale, valueRange } from "../../src/io/chart_scale.ts";
import { lineChartSvg } from "../../src/io/svg_chart.ts";

const labels = (scale: { ticks: readonly { label: string }[] }) => scale.ticks.map(({ label }) => label);
const count = (svg: string, tag: string) => svg.split(`<${tag} `).length - 1;
const numbersOf = (svg: string) =>
  [...svg.matchAll(/ (?:x|y|x1|x2|y1|y2|cx|cy)="([^"]*)"/g)].map((match) => match[1]);

Deno.test("linearScale marks round numbers around the values", () => {
  assert.deepEqual(labels(linearScale([22.1, 29.7], 5)), ["22", "24", "26", "28", "30"]);
  assert.deepEqual(labels(linearScale([-0.31, 0.2], 5)), ["−0.4", "−0.2", "0.0", "0.2"]);
  assert.deepEqual(labels(linearScale([0, 3e7], 3)), ["0", "1·10⁷", "2·10⁷", "3·10⁷"]);
  assert.deepEqual(labels(linearScale([2, 2], 2)), ["1", "2", "3"]);
  assert.deepEqual(labels(linearScale([0, 0], 2)), ["−0.5", "0.0", "0.5"]);
  const { position } = linearScale([0, 10], 5);
  assert.deepEqual([position(0), position(5), position(10), position(11)], [0, 0.5, 1, NaN]);
});

Deno.test("logScale marks decades, and parts of them when there are few", () => {
  assert.deepEqual(labels(logScale([2e-4, 0.5], 8)), ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"]);
  assert.deepEqual(labels(logScale([1.5, 7], 8)), ["10⁰", "2·10⁰", "5·10⁰", "10¹"]);
  assert.deepEqual(labels(logScale([1e-12, 1], 4)), ["10⁻¹²", "10⁻⁹", "10⁻⁶", "10⁻³", "10⁰"]);
  const { position } = logScale([1, 100], 5);
  assert.deepEqual([position(1), position(10), position(100), position(0), position(-1)], [
    0,
    0.5,
    1,
    NaN,
    NaN,
  ]);
});

Deno.test("indexScale marks whole steps, the first one too", () => {
  assert.deepEqual(labels(indexScale([1, 20], 5)), ["1", "5", "10", "15", "20"]);
  assert.deepEqual(labels(indexScale([0, 3], 9)), ["0", "1", "2", "3"]);
  assert.deepEqual(labels(indexScale([0, 0], 9)), ["0"]);
  assert.ok(indexScale([2 ** 53 - 1, 2 ** 53], 9).ticks.length <= 3);
});

Deno.test("valueRange spans the values that an axis can show", () => {
  assert.deepEqual(valueRange([3, NaN, -2, Infinity, 1e300], false), [-2, 3]);
  assert.deepEqual(valueRange([3, 0, -2, 0.5, 1e-310], true), [0.5, 3]);
  assert.equal(valueRange([NaN, -1], true), null);
  assert.equal(valueRange([], false), null);
});

Deno.test("lineChartSvg draws each series once, breaks it at gaps, and dots values that stand alone", () => {
  const svg = lineChartSvg([
    { name: "residual", values: [1, 0.1, NaN, 0.01, Infinity, 0.001, 0.0001] },
    { name: "PSNR", values: [20, 25, 26], axis: "right" },
  ], { title: "t", yLabel: "left label", yLabelRight: "right label", logY: true });
  const paths = [...svg.matchAll(/<path d="([^"]*)"[^>]*stroke-dasharray="([^"]*)"/g)];
  assert.deepEqual(paths.map(([, d, dash]) => [d.replace(/[^ML]/g, ""), dash]), [["MLMML", "none"], [
    "MLL",
    "7 4",
  ]]);
  assert.equal(count(svg, "circle"), 5 + 3);
  for (const shown of ["residual", "PSNR", "left label", "right label", "iteration", "10⁻⁴"]) {
    assert.ok(svg.includes(`>${shown}</text>`), shown);
  }
});

Deno.test("lineChartSvg draws no dots on long curves", () => {
  const svg = lineChartSvg([{ name: "x", values: Array.from({ length: 500 }, (_, i) => Math.sin(i)) }]);
  assert.equal(count(svg, "circle"), 0);
  assert.equal(count(svg, "path"), 1);
});

Deno.test("lineChartSvg holds odd input: nothing, no numbers, one value, constants, extremes, many names", () => {
  const cases: number[][] = [
    [],
    [NaN],
    [Infinity, -Infinity],
    [5],
    [0, 0, 0],
    [-3, -3],
    [1, 1 + Number.EPSILON],
    [Number.MAX_VALUE, -Number.MAX_VALUE, 1],
    [Number.MIN_VALUE, 2 * Number.MIN_VALUE],
    [1e-290, 1e290],
    [1e15, 1e15 + 1],
  ];
  for (const values of cases) {
    for (const logY of [false, true]) {
      for (const axis of ["left", "right"] as const) {
        const svg = lineChartSvg([{ name: "x", values, axis }], { logY });
        assert.ok(svg.startsWith("<svg ") && svg.endsWith("</svg>\n"));
        assert.ok(numbersOf(svg).every((number) => Number.isFinite(Number(number))), `${values} ${svg}`);
        assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
        const none = !values.some((value) =>
          Math.abs(value) < 1e290 && (!logY || axis === "right" || value >= 1e-290)
        );
        assert.equal(svg.includes("no data"), none, `${values}`);
      }
    }
  }
  assert.ok(lineChartSvg([]).includes("no data"));
  const crowd = Array.from({ length: 60 }, (_, i) => ({ name: `series ${i}`, values: [i] }));
  assert.ok(
    numbersOf(lineChartSvg(crowd, { width: 200, height: 150 })).every((number) => Number(number) >= 0),
  );
});

Deno.test("lineChartSvg escapes what it is given", () => {
  const svg = lineChartSvg([{ name: `<b>"a" & 'b'</b>\u0000\ud800`, values: [1] }], { title: `"><script>` });
  assert.ok(svg.includes("&lt;b&gt;&quot;a&quot; &amp; 'b'&lt;/b&gt;\ufffd\ufffd"));
  assert.ok(svg.includes("&quot;&gt;&lt;script&gt;") && !svg.includes("<script>"));
});

Deno.test("lineChartSvg refuses sizes that cannot hold a chart", () => {
  assert.throws(
    () => lineChartSvg([], { width: 20 }),
    /Cannot draw chart: width must be a finite number of at least 200/,
  );
  assert.throws(() => lineChartSvg([], { height: NaN }), /height must be/);
  assert.throws(() => lineChartSvg([], { xStart: -1 }), /xStart must be/);
});
