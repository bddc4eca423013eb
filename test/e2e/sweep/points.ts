import { execa } from 'execa'

/** Each point is taken by the first of the workers that is free; what they find wrong comes back. */
export const spread = async <Worker>(
  workers: readonly Worker[],
  points: readonly number[],
  visit: (worker: Worker, point: number) => Promise<readonly string[]>,
): Promise<string[]> => {
  const pending = [...points]
  const found: string[] = []
  const work = async (worker: Worker): Promise<void> => {
    for (let point = pending.shift(); point !== undefined; point = pending.shift()) {
      const complaints = await visit(worker, point).catch((error: Error) => [error.message])
      found.push(...complaints.map((complaint) => `at ${point}: ${complaint}`))
      // A server that is not as it should be would only complain on.
      if (complaints.length > 0) return
    }
  }
  await Promise.all(workers.map(work))
  if (pending.length > 0 && found.length === 0) found.push(`not visited: ${pending.join(', ')}`)
  return found
}

/** 1 to `count`. */
const allPoints = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

/** Every `stride`-th point, from another one after each commit; PORTWARD_SWEEP=full: all of them. */
export const somePoints = async (count: number, stride: number): Promise<number[]> => {
  if (process.env['PORTWARD_SWEEP'] === 'full') return allPoints(count)
  const { stdout } = await execa('git', ['rev-list', '--count', 'HEAD'], { reject: false })
  const offset = Number(stdout || 0) % stride
  return allPoints(count).filter((point) => point % stride === offset)
}
