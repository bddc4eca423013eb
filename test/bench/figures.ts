export const RUNS = Number(process.env['PORTWARD_BENCH_RUNS'] ?? 7)

export const median = (values: number[]): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** A figure, whatever else runs while it is taken. */
export const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
