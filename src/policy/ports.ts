const LAST_PORT = 65535

/** Every port of a list such as `1,7,20-25`, in its order; what is no port gives none. */
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

/** More ports than anybody lists one by one. */
const MANY_PORTS = 60

/** Whether a list means "all ports up to here but some", as `portRanges` says it, and not ports that were chosen. */
export const isNearlyAll = (list: string): boolean => {
  const ports = new Set(listPorts(list))
  return ports.size > MANY_PORTS && ports.size > Math.max(...ports) / 2
}

/** MAXSOCKS of portsentry 1.2. */
const MOST_12 = 64

/**
 * What portsentry 1.2 makes of a list other than what it says, to stand behind the key's name; null where it takes it as it is.
 * It reads numbers only (of `20-25` it takes 20), and the first 64 of them.
 */
export const misreadPorts12 = (list: string): { readonly what: string; readonly hint: string } | null => {
  const items = list.split(',').filter((item) => item !== '')
  const range = items.find((item) => /^\d+-/.test(item))
  if (range !== undefined) {
    const what = `has the range ${range}, which portsentry 1.2 reads as ${range.split('-', 1)[0]} alone`
    return { what, hint: 'list its ports one by one' }
  }
  const odd = items.find((item) => !/^ *\d{1,5} *$/.test(item) || Number(item) > LAST_PORT)
  if (odd !== undefined)
    return { what: `has ${JSON.stringify(odd)}, which is not a port`, hint: 'list ports' }
  if (items.length <= MOST_12) return null
  const what = `has ${items.length} ports, of which portsentry 1.2 reads ${MOST_12}`
  return { what, hint: `list at most ${MOST_12}` }
}
