import type { Dialect } from '../documents/portsentry-conf.ts'
import { createBoundedMap, keyOf } from './bounded-map.ts'
import type { Address } from './packet.ts'

/** SCAN_TRIGGER: from which packet on a host counts as a scanner. */
export interface Trigger {
  /** Counts a packet of this host. Returns whether the trigger is reached. */
  count(source: Address): boolean
  /** Lines that the daemon logs at each packet because of its SCAN_TRIGGER. */
  readonly warnings: readonly string[]
  size(): number
}

/** MAXSTATE of 1.2. */
const RING = 50
/** MAX_HASH_SIZE of 2.x. */
export const MOST_HOSTS = 1_000_000

/** The daemon's printf lacks the second argument; 50 is the number that is meant. */
const warnings12 = (scanTrigger: number): string[] => [
  `securityalert: WARNING: Trigger value ${scanTrigger} is larger than state engine capacity of ${RING}.`,
  'Adjust the value lower or recompile with a larger state engine value.',
  'securityalert: Blocking host anyway because of invalid trigger value',
]

/** CheckStateEngine(): a ring of the last 50 packets of all hosts; with a trigger above 50 it acts at once. */
const createRing = (scanTrigger: number): Trigger => {
  const ring: (number | string)[] = []
  let next = 0
  const isEnough = (key: number | string): boolean => {
    let seen = 1
    for (const other of ring) if (other === key) seen += 1
    return seen >= scanTrigger || scanTrigger > RING
  }
  return {
    count: (source) => {
      if (scanTrigger <= 0) return true
      const key = keyOf(source)
      const enough = isEnough(key)
      ring[next] = key
      next = (next + 1) % RING
      return enough
    },
    warnings: scanTrigger > RING ? warnings12(scanTrigger) : [],
    size: () => ring.length,
  }
}

/** CheckState() in state_machine.c: a counter for each host, which never expires; beyond the bound the oldest host is evicted. */
const createCounters = (scanTrigger: number, bound: number): Trigger => {
  const counts = createBoundedMap<number | string, number>(bound)
  return {
    count: (source) => {
      if (scanTrigger === 0) return true
      const key = keyOf(source)
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return count >= scanTrigger
    },
    warnings: [],
    size: counts.size,
  }
}

/** `bound` is the maximum number of 2.x's counters; smaller in tests. */
export const createTrigger = (dialect: Dialect, scanTrigger: number, bound = MOST_HOSTS): Trigger =>
  dialect === '1.2' ? createRing(scanTrigger) : createCounters(scanTrigger, bound)
