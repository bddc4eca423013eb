import { atoi } from './c-numbers.ts'
import type { Protocol } from './modes.ts'

/** Both ends count. A single port is a range of one. */
interface PortRange {
  readonly first: number
  readonly last: number
}

/**
 * The ports in portsentry.conf for a protocol. `listed`: 1.2's TCP_PORTS and UDP_PORTS, in order, as atoi()
 * reads them. `below`: 1.2's advanced modes. `ranges`: 2.x; `entries` also counts the items that it could
 * not read.
 */
export type PortRule =
  | { readonly kind: 'listed'; readonly ports: readonly number[] }
  | { readonly kind: 'below'; readonly limit: number; readonly excluded: readonly number[] }
  | { readonly kind: 'ranges'; readonly ranges: readonly PortRange[]; readonly entries: number }

/** By destination port: the port that the daemon reports, or -1 if it does not watch it. */
export type WatchedPorts = Int32Array

/** A port as people write it: `22/tcp`. */
export const portKey = (protocol: Protocol, port: number): string => `${port}/${protocol}`

export type InUse = (protocol: Protocol, port: number) => boolean

const ALL_PORTS = 65_536
/** MAXSOCKS of 1.2: entries of a list, and of in-use and excluded ports together. */
const MAX_ENTRIES = 64

/** strtok() on commas: empty items are skipped. */
const items = (list: string): string[] => list.split(',').filter((item) => item !== '')

/** 1.2's TCP_PORTS and UDP_PORTS: neither ranges (`20-25` is 20) nor errors (`abc` is 0), only the first 64. */
export const parseList12 = (value: string): PortRule => ({
  kind: 'listed',
  ports: items(value).slice(0, MAX_ENTRIES).map(atoi),
})

/**
 * How portsentry 1.2 misreads a list, as text to follow the key's name; null if it reads the list as it is. It reads only
 * numbers (`20-25` is 20), and only the first 64 of them.
 */
export const misreadPorts12 = (list: string): { readonly what: string; readonly hint: string } | null => {
  const ports = items(list)
  const range = ports.find((item) => /^\d+-/.test(item))
  if (range !== undefined) {
    const what = `has the range ${range}, which portsentry 1.2 reads as ${range.split('-', 1)[0]} alone`
    return { what, hint: 'list its ports one by one' }
  }
  const odd = ports.find((item) => !/^ *\d{1,5} *$/.test(item) || Number(item) >= ALL_PORTS)
  if (odd !== undefined)
    return { what: `has ${JSON.stringify(odd)}, which is not a port`, hint: 'list ports' }
  if (ports.length <= MAX_ENTRIES) return null
  const what = `has ${ports.length} ports, of which portsentry 1.2 reads ${MAX_ENTRIES}`
  return { what, hint: `list at most ${MAX_ENTRIES}` }
}

/** 1.2's ADVANCED_PORTS_* and ADVANCED_EXCLUDE_*; undefined if the key is missing. */
export const parseAdvanced12 = (limit: string | undefined, exclude: string | undefined): PortRule => {
  const read = limit === undefined ? 1024 : atoi(limit)
  return {
    kind: 'below',
    // Unsigned in C: a negative limit is beyond all ports.
    limit: read < 0 ? ALL_PORTS : read,
    excluded: items(exclude ?? '')
      .slice(0, MAX_ENTRIES + 1)
      .map(atoi),
  }
}

/** StrToUint16_t() of 2.x: leading blanks are allowed, trailing ones and more than five characters are not. */
const port2 = (text: string): number | null => {
  if (text.length > 5 || !/^[ \t\n\v\f\r]*[+-]?\d+$/.test(text)) return null
  const value = atoi(text)
  return value >= 1 && value < ALL_PORTS ? value : null
}

const range2 = (item: string): PortRange[] => {
  if (item.length >= 12) return []
  const dash = item.indexOf('-')
  const first = port2(dash === -1 ? item : item.slice(0, dash))
  const last = dash === -1 ? first : port2(item.slice(dash + 1))
  return first === null || last === null || first > last ? [] : [{ first, last }]
}

/** 2.x's TCP_PORTS and UDP_PORTS: invalid items are dropped. */
export const parseRanges2 = (value: string): PortRule => {
  const entries = items(value)
  return { kind: 'ranges', ranges: entries.flatMap(range2), entries: entries.length }
}

const nothing = (): WatchedPorts => new Int32Array(ALL_PORTS).fill(-1)

/** The port that the daemon tests for a number in its list: htons() truncates one that does not fit. */
const portOf = (number: number): number => number & 0xffff

/** 1.2's stcp and sudp: the listed ports that were free at the start. */
const readPackets12 = (ports: readonly number[], inUse: (port: number) => boolean): WatchedPorts => {
  const watched = nothing()
  for (const port of ports) if (port >= 0 && port < ALL_PORTS && !inUse(port)) watched[port] = port
  return watched
}

/**
 * 1.2's atcp and audp (PortSentryAdvancedStealthModeTCP): the limit is checked inside the loop over in-use and excluded
 * ports, so that without any of these every port is watched. The array has room for 64 of them.
 */
const readAdvanced12 = (
  { limit, excluded }: Extract<PortRule, { kind: 'below' }>,
  inUse: (port: number) => boolean,
): WatchedPorts => {
  const watched = Int32Array.from({ length: ALL_PORTS }, (_, port) => port)
  const used = Array.from({ length: Math.min(limit, ALL_PORTS) }, (_, port) => port).filter(inUse)
  const skipped = [...used, ...excluded].slice(0, MAX_ENTRIES)
  if (skipped.length === 0) return watched
  watched.fill(-1, Math.min(limit, ALL_PORTS))
  for (const port of skipped) if (port >= 0 && port < ALL_PORTS) watched[port] = -1
  return watched
}

/**
 * 1.2's tcp and udp: the array of sockets has no gaps, that of ports still has every port, and both are read with the same
 * index: after a port that could not be bound, every socket reports the port of the one before.
 */
const accept12 = (ports: readonly number[], inUse: (port: number) => boolean): WatchedPorts => {
  const watched = nothing()
  let bound = 0
  for (const port of ports.map(portOf)) {
    // For port 0 the kernel chooses a port, which is unknown.
    if (port !== 0 && (inUse(port) || watched[port] !== -1)) continue
    if (port !== 0) watched[port] = ports[bound] ?? -1
    bound += 1
  }
  return watched
}

const fillRanges = (ranges: readonly PortRange[]): WatchedPorts => {
  const watched = nothing()
  for (const { first, last } of ranges) for (let port = first; port <= last; port += 1) watched[port] = port
  return watched
}

/** How the daemon gets its packets: `connections` to its sockets, `raw` sockets, or `pcap` (2.x). */
export type Reading = 'connections' | 'raw' | 'pcap'

/**
 * The ports that a daemon watches; `inUse`: whether a port was in use when it started.
 * Source: portsentry.c of 1.2; port.c, sentry_stealth.c and sentry_connect.c of 2.0.7.
 */
export const watchPorts = (
  rule: PortRule,
  reading: Reading,
  inUse: (port: number) => boolean,
): WatchedPorts => {
  if (rule.kind === 'below') return readAdvanced12(rule, inUse)
  if (rule.kind === 'listed') {
    return reading === 'connections' ? accept12(rule.ports, inUse) : readPackets12(rule.ports, inUse)
  }
  const watched = fillRanges(rule.ranges)
  if (reading === 'connections') return watched.map((it, port) => (it !== -1 && inUse(port) ? -1 : it))
  // Every entry, range or single, has a 0 in its unused field, which IsPortInRange() also compares.
  if (reading === 'raw' && rule.entries > 0) watched[0] = 0
  return watched
}

/** The ports that a connect mode opens, in its order, each once. */
export const portsToOpen = (rule: PortRule): number[] => {
  if (rule.kind === 'below') return []
  const ports =
    rule.kind === 'listed'
      ? rule.ports.map(portOf)
      : rule.ranges.flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        )
  return [...new Set(ports)].filter((port) => port !== 0)
}
