const LAST_PORT = 65535

/** Every port of a list such as `1,7,20-25`, in its order; invalid items are skipped. */
export const listPorts = (list: string): number[] =>
  list.split(',').flatMap((item) => {
    const [low = 0, high = low] = item.split('-').map(Number)
    return Array.from({ length: Math.min(high, LAST_PORT) - low + 1 }, (_, index) => low + index)
  })

/** Every port from 1 below `count` but those in `exclude`, as ranges: `1-112,114-138,140-1023`. */
export const portRanges = (count: number, exclude: readonly number[]): string => {
  const ranges: string[] = []
  const gaps = [...new Set(exclude)].filter((port) => port > 0 && port < count).sort((a, b) => a - b)
  let first = 1
  for (const gap of [...gaps, count]) {
    if (gap - 1 > first) ranges.push(`${first}-${gap - 1}`)
    else if (gap - 1 === first) ranges.push(String(first))
    first = gap + 1
  }
  return ranges.join(',')
}

/** More ports than people list one by one. */
const MANY_PORTS = 60

/** Whether a list means "all ports up to here but some", as `portRanges` says it, and not ports that were chosen. */
export const isNearlyAll = (list: string): boolean => {
  const ports = new Set(listPorts(list))
  return ports.size > MANY_PORTS && ports.size > Math.max(...ports) / 2
}
