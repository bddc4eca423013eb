import { BANS_CONF } from '../policy/ban-set.ts'
import { LEGACY_PROGRAM } from '../policy/legacy-bans.ts'
import { countReleased } from './bans.ts'
import type { Restoration } from './merge.ts'
import type { ServiceRecord } from './record.ts'
import { readServices } from './services.ts'

/** What a rollback means beside the files that it restores. */
export interface Consequences {
  /** Units that run now and would not afterwards, and the other way round. */
  readonly stopped: readonly string[]
  readonly started: readonly string[]
  /** Units that start at boot now and would not afterwards, and the other way round. */
  readonly disabled: readonly string[]
  readonly enabled: readonly string[]
  /** How many hosts that are banned now would be released. */
  readonly released: number
  /** Whether portward's ban set goes, and nothing of an earlier version takes its place. */
  readonly isUnprotected: boolean
}

/** The names of init scripts and units, which records of earlier versions have with their suffix. */
const bare = (unit: string): string => unit.replace(/\.service$/, '')

const without = (units: readonly string[], others: readonly string[]): string[] => {
  const known = new Set(others.map(bare))
  return units.map(bare).filter((unit) => !known.has(unit))
}

const runningIn = ({ active }: ServiceRecord): string[] => active.flatMap(([, units]) => units)

/** Pure. */
export const judgeConsequences = (
  { files, services }: Pick<Restoration, 'files' | 'services'>,
  now: ServiceRecord,
  released: number,
): Consequences => {
  const copyOf = (path: string) => files.find((file) => file.path === path)?.copy
  return {
    stopped: without(runningIn(now), runningIn(services)),
    started: without(runningIn(services), runningIn(now)),
    disabled: without(now.enabled, services.enabled),
    enabled: without(services.enabled, now.enabled),
    released,
    isUnprotected: copyOf(BANS_CONF) === null && typeof copyOf(LEGACY_PROGRAM) !== 'string',
  }
}

/** Throws HostError. */
export const readConsequences = async (restoration: Restoration): Promise<Consequences> => {
  const [now, released] = await Promise.all([readServices(), countReleased(restoration.bans)])
  return judgeConsequences(restoration, now, released)
}
