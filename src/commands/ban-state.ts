import { type History, readHistory } from '../host/history.ts'
import { openPlaces } from '../host/places/open-places.ts'
import { type Vantage, vantageOf } from '../host/places/vantage.ts'
import type { Network } from '../network.ts'
import { type BanRow, type PlaceReading, viewBans } from '../policy/ban-view.ts'
import { fileText } from '../policy/facts.ts'
import { findProtectors, type Protector } from '../policy/protection.ts'
import { ADDRESSES_PATH, parseServerAddresses } from '../policy/server-addresses.ts'
import { isError, renderProblem } from '../problem.ts'
import type { Assessment } from './assess.ts'

/** Who protects a host by config.env and by what the server is. */
type ProtectorsOf = (host: Network) => readonly Protector[]

const NOBODY: ProtectorsOf = () => []

const protectorsFrom = ({ settings, facts, desired }: Assessment): ProtectorsOf => {
  if (settings === null) return NOBODY
  const server = facts.live ?? parseServerAddresses(fileText(facts, ADDRESSES_PATH) ?? '')
  return (host) => findProtectors(host, settings, server, desired?.protectedNetworks ?? [])
}

export interface Protection {
  readonly of: ProtectorsOf
  /** Why it is not known who is protected; null where it is. */
  readonly unknown: string | null
}

/** Bans are shown whatever state config.env is in: then without whom it protects. */
export const protectionOf = (assessment: Assessment): Protection => {
  const [first] = assessment.settings === null ? assessment.problems.filter(isError) : []
  return { of: protectorsFrom(assessment), unknown: first === undefined ? null : renderProblem(first) }
}

/** The entry with its place, as `path:line: entry`. */
export const describeProtector = ({ entry, at }: Protector): string => {
  if (at === null) return entry
  return `${at.path}${at.line === undefined ? '' : `:${at.line}`}: ${entry}`
}

export interface BanState {
  readonly vantage: Vantage
  readonly readings: readonly PlaceReading[]
  readonly history: History
}

export const readBanState = async (assessment: Assessment): Promise<BanState> => {
  const vantage = vantageOf(assessment)
  const [history, readings] = await Promise.all([
    readHistory(vantage),
    Promise.all(openPlaces(vantage).map(({ read }) => read())),
  ])
  return { vantage, readings, history }
}

/** All of it as one list. */
export const viewState = ({ readings, history }: BanState, protectorsOf: ProtectorsOf): BanRow[] => {
  const sightings = history.events?.filter(({ isCounted }) => isCounted) ?? null
  return viewBans(readings, sightings, (host) => {
    const [first] = protectorsOf(host)
    return first === undefined ? null : describeProtector(first)
  })
}
