import { findPending } from '../host/generations/transaction.ts'
import { type History, readHistory } from '../host/history.ts'
import { HostError } from '../host/host-error.ts'
import { openPlaces } from '../host/places/open-places.ts'
import { readVantage, type Vantage } from '../host/places/vantage.ts'
import type { Network } from '../network.ts'
import { type BanRow, type PlaceReading, viewBans } from '../policy/ban-view.ts'
import type { PendingConfirmation } from '../policy/confirmation.ts'
import { desire } from '../policy/desired.ts'
import { fileText } from '../policy/facts.ts'
import { findProtectors, type Protector } from '../policy/protection.ts'
import { ADDRESSES_PATH, parseServerAddresses } from '../policy/server-addresses.ts'
import { renderProblem } from '../problem.ts'
import { type Loaded, load } from './load.ts'
import type { GlobalOptions } from './output.ts'

/** Who protects a host by config.env and by what the server is. */
type ProtectorsOf = (host: Network) => readonly Protector[]

const NOBODY: ProtectorsOf = () => []

const protectorsFrom = ({ settings, facts, release, plan }: Loaded): ProtectorsOf => {
  if (settings === null) return NOBODY
  const desired = plan?.desired ?? (facts && release ? desire(settings, facts, release).desired : null)
  const recorded = facts && fileText(facts, ADDRESSES_PATH)
  const server = facts?.live ?? parseServerAddresses(recorded ?? '')
  return (host) => findProtectors(host, settings, server, desired?.protectedNetworks ?? [])
}

export interface Protection {
  readonly loaded: Loaded | null
  readonly of: ProtectorsOf
  /** An apply that waits for a confirmation: known whatever else could not be read. */
  readonly pending: PendingConfirmation | null
  /** Why it is not known who is protected; null where it is. */
  readonly unknown: string | null
}

/** Bans are shown whatever state config.env is in: then without whom it protects. */
export const loadProtection = async (options: GlobalOptions): Promise<Protection> => {
  try {
    const loaded = await load(options)
    const [first] = loaded.settings === null ? loaded.problems : []
    const unknown = first === undefined ? null : renderProblem(first)
    return { loaded, of: protectorsFrom(loaded), pending: loaded.pending, unknown }
  } catch (error) {
    if (!(error instanceof HostError)) throw error
    const pending = options.root === '/' ? await findPending() : null
    return { loaded: null, of: NOBODY, pending, unknown: `${error.message} — ${error.hint}` }
  }
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

export const readBanState = async ({
  root,
  release,
}: Pick<GlobalOptions, 'root' | 'release'>): Promise<BanState> => {
  const vantage = await readVantage(root, release)
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
