/** `npm run sweep`: every effect, on several servers. */
export const isFull = process.env['PORTWARD_SWEEP'] === 'full'

/** Each point is taken by the first of the workers that is free; what they find wrong comes back. */
export const spread = async <Worker, Point>(
  workers: readonly Worker[],
  points: readonly Point[],
  visit: (worker: Worker, point: Point) => Promise<readonly string[]>,
): Promise<string[]> => {
  const pending = [...points]
  const found: string[] = []
  const work = async (worker: Worker): Promise<void> => {
    for (let point = pending.shift(); point !== undefined; point = pending.shift()) {
      const at = JSON.stringify(point)
      const complaints = await visit(worker, point).catch((error: Error) => [error.message])
      found.push(...complaints.map((complaint) => `at ${at}: ${complaint}`))
      // A server that is not as it should be would only complain on.
      if (complaints.length > 0) return
    }
  }
  await Promise.all(workers.map(work))
  if (pending.length > 0 && found.length === 0) found.push(`not visited: ${JSON.stringify(pending)}`)
  return found
}

/** `run systemctl start fail2ban` → `run systemctl start`. */
const kindOf = (effect: string): string => effect.split(' ').slice(0, 3).join(' ')

/**
 * The points of a sweep over some effects, the first of which is point 1: all of them with PORTWARD_SWEEP=full. Else one
 * that is about a file, as a witness for the sweep over a tree in test/generations, and the first of each kind of
 * command, but for daemon-reload: it changes nothing that another command would not.
 */
export const pointsOf = (effects: readonly string[], witness: string): number[] => {
  const kinds = effects.map(kindOf)
  return effects.flatMap((effect, index) => {
    const isFirst = kinds.indexOf(kindOf(effect)) === index
    const isCommand = /^(?:run|remove the) /.test(effect) && !effect.endsWith('daemon-reload')
    return isFull || (isFirst && isCommand) || effect === witness ? [index + 1] : []
  })
}
