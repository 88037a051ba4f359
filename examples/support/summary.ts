import type { ContextStats } from "@deepinv/distributed";

/** Prints where rank 0's time went: operators, denoiser, communication, and the rest. */
export function printSummary(stats: ContextStats, seconds: number): void {
  const work = Object.entries(stats.work).map(([name, { milliseconds }]) =>
    [name, milliseconds / 1000] as const
  );
  const communication = Object.values(stats.collectives).reduce(
    (sum, { milliseconds }) => sum + milliseconds / 1000,
    0,
  );
  const rows = [...work, ["communication and waiting", communication] as const];
  const rest = seconds - rows.reduce((sum, [, value]) => sum + value, 0);
  console.log(`rank 0 spent ${seconds.toFixed(2)} s:`);
  for (const [name, value] of [...rows, ["everything else", rest] as const]) {
    console.log(
      `  ${name.padEnd(26)}${value.toFixed(2).padStart(7)} s ${
        (100 * value / seconds).toFixed(0).padStart(4)
      } %`,
    );
  }
}
