import type { Dialect } from '../documents/portsentry-conf.ts'
import { createBoundedTable } from './bounded-table.ts'
import { type Address, isSameAddress, LONGEST_ADDRESS } from './packet.ts'

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
  const ring: Address[] = []
  let next = 0
  const isEnough = (source: Address): boolean => {
    let seen = 1
    for (const other of ring) if (isSameAddress(other, source)) seen += 1
    return seen >= scanTrigger || scanTrigger > RING
  }
  return {
    count: (source) => {
      if (scanTrigger <= 0) return true
      const enough = isEnough(source)
      ring[next] = source
      next = (next + 1) % RING
      return enough
    },
    warnings: scanTrigger > RING ? warnings12(scanTrigger) : [],
    size: () => ring.length,
  }
}

/** CheckState() in state_machine.c: a counter for each host, which never expires; beyond the bound the oldest host is evicted. */
const createCounters = (scanTrigger: number, bound: number, seed: number): Trigger => {
  const counts = createBoundedTable({ bound, longest: LONGEST_ADDRESS, seed })
  return {
    count: (source) => {
      if (scanTrigger === 0) return true
      // Which is a 16-bit number: there is no need to count further.
      const count = Math.min(counts.get(source) + 1, scanTrigger)
      counts.set(source, count)
      return count === scanTrigger
    },
    warnings: [],
    size: counts.size,
  }
}

/** `bound` is the maximum number of 2.x's counters; smaller in tests. */
export const createTrigger = (
  dialect: Dialect,
  scanTrigger: number,
  bound = MOST_HOSTS,
  seed = 0,
): Trigger => (dialect === '1.2' ? createRing(scanTrigger) : createCounters(scanTrigger, bound, seed))
