import { networkInterfaces } from 'node:os'
import type { Configuration } from '../detector/configuration.ts'
import type { Action, ActionOutcome, Mode, Outcome, Written } from '../detector/decision.ts'
import { isConnectMode, type Protocol } from '../detector/modes.ts'
import type { Address } from '../detector/packet.ts'
import { type InUse, portKey, portsToOpen } from '../detector/ports.ts'
import type { Effects } from '../detector/watcher.ts'
import { parseAddress } from '../network.ts'
import { localTime } from '../system/clock.ts'
import { HostError, messageOf } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'
import { isInUse } from './bind.ts'
import type { IgnoreSource } from './ignore-source.ts'
import { type WatchedFile, watchFile } from './records.ts'
import { resolveName } from './resolve-name.ts'
import { perform } from './respond.ts'

/** This machine's present addresses, link-local ones included, loopback left out. */
export const ownAddresses = (): Address[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .flatMap(({ address }) => {
      const bytes = parseAddress(address)
      return bytes === null ? [] : [bytes]
    })

/** How many binds are tried in parallel. */
const BATCH = 64

/** All IPv6 addresses, and with them all of IPv4: what 2.x binds when it listens by itself. */
const ANY_IPV6: Address = Array.from({ length: 16 }, () => 0)

interface PortToTest {
  readonly protocol: Protocol
  readonly port: number
  readonly address: Address | null
}

/** The ports that a daemon binds, or tries to, before it starts to watch. 2.x's stealth mode does neither. */
const portsToTest = ({ dialect, mode, ports }: Configuration): PortToTest[] =>
  [...ports].flatMap(([protocol, rule]) => {
    if (rule.kind === 'ranges' && !isConnectMode(mode)) return []
    const below = rule.kind === 'below' ? Array.from({ length: rule.limit }, (_, port) => port) : []
    const numbers = [...below, ...portsToOpen(rule)]
    const address = dialect === '2.x' ? ANY_IPV6 : null
    return numbers.filter((port) => port > 0 && port < 65_536).map((port) => ({ protocol, port, address }))
  })

/** Of the ports that a daemon tests before it starts to watch, those that a service uses. Tests each by a bind. */
export const findInUse = async (configurations: readonly Configuration[]): Promise<InUse> => {
  const inUse = new Set<string>()
  const remaining = configurations.flatMap(portsToTest)
  const test = async ({ protocol, port, address }: PortToTest): Promise<void> => {
    if (await isInUse(protocol, port, address)) inUse.add(portKey(protocol, port))
  }
  while (remaining.length > 0) await Promise.all(remaining.splice(0, BATCH).map(test))
  return (protocol, port) => inUse.has(portKey(protocol, port))
}

/** What the effects of all sources have in common. */
interface Basis {
  readonly configurations: readonly Configuration[]
  readonly ignore: IgnoreSource
  readonly isInUse: Effects['isInUse']
  /** Called for each outcome, after the daemon's files have been written. `faults`: why one could not be written. */
  readonly detected: (outcome: Outcome, faults: readonly string[]) => void
}

const assume = (action: Action): ActionOutcome =>
  action.kind === 'impossible'
    ? { action, result: 'not-run', exitCode: null, message: action.reason }
    : { action, result: 'assumed', exitCode: null, message: '' }

/**
 * Only watches, and assumes that every action succeeds. For recorded traffic the files are read once, and no name server is
 * queried.
 */
export const watchingEffects = (
  { ignore, detected, isInUse: isPortInUse }: Basis,
  isLive: boolean,
): Effects => ({
  isInUse: isPortInUse,
  ignoreList: isLive ? ignore.list : ignore.known,
  perform: assume,
  resolveName: isLive ? resolveName : (host) => host,
  localTime,
  finalized: (outcome) => detected(outcome, []),
})

/** A file that the daemon writes; null if it writes none. */
const openRecord = async (root: string, path: string | null): Promise<WatchedFile | null> =>
  path === null ? null : watchFile(await resolveInRoot(root, path))

/** The hosts that a 2.x daemon considers blocked from its start on; 1.2 empties its file when it starts. */
export const readBlocked = async (
  root: string,
  { dialect, blockedFile }: Configuration,
): Promise<Uint8Array | undefined> =>
  dialect === '1.2' ? undefined : ((await openRecord(root, blockedFile))?.changed() ?? undefined)

/** 1.2 runs with the umask 077, 2.x with systemd's. */
const FILE_MODES = { '1.2': 0o600, '2.x': 0o644 } as const

/** Does what the daemon would do: writes files below `root`, runs commands on this machine. Throws HostError only when called. */
export const actingEffects = async (root: string, basis: Basis): Promise<Effects> => {
  const { configurations, detected } = basis
  const dialect = configurations[0]?.dialect ?? '1.2'
  const records = new Map<Mode, Record<'history' | 'blocked', WatchedFile | null>>()
  for (const { mode, historyFile, blockedFile } of configurations) {
    const blocked = await openRecord(root, blockedFile)
    if (dialect === '1.2') await blocked?.empty()
    records.set(mode, { history: await openRecord(root, historyFile), blocked })
  }
  const write = async (file: WatchedFile | null | undefined, content: Written['blockedRecord']) => {
    try {
      if (content !== null) await file?.append(content, FILE_MODES[dialect])
      return []
    } catch (error) {
      return [messageOf(error)]
    }
  }
  return {
    ...watchingEffects(basis, true),
    blockedText: (mode) => {
      try {
        const bytes = records.get(mode)?.blocked?.changed()
        return bytes === undefined ? undefined : (bytes?.toString('latin1') ?? '')
      } catch (error) {
        if (!(error instanceof HostError)) throw error
        return ''
      }
    },
    perform: (action) => perform(action, { root, dialect }),
    finalized: async (outcome) => {
      const { blocked, history } = records.get(outcome.decision.mode) ?? {}
      const written = outcome.written()
      // In the order in which 1.2 writes them.
      const faults = await write(blocked, written.blockedRecord)
      detected(outcome, [...faults, ...(await write(history, written.history))])
    },
  }
}
