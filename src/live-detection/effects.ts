import { networkInterfaces } from 'node:os'
import type { Configuration } from '../detector/configuration.ts'
import type { Mode, Outcome } from '../detector/decision.ts'
import { isConnectMode, type Protocol } from '../detector/modes.ts'
import type { Address } from '../detector/packet.ts'
import { type InUse, portsToOpen } from '../detector/ports.ts'
import type { Effects } from '../detector/watcher.ts'
import { localTime } from '../host/clock.ts'
import { messageOf } from '../host/host-error.ts'
import { resolveInRoot } from '../host/paths.ts'
import { parseAddress } from '../network.ts'
import { isInUse } from './bind.ts'
import type { IgnoreSource } from './ignore-source.ts'
import { type WatchedFile, watchFile } from './records.ts'
import { resolveName } from './resolve-name.ts'
import { perform } from './respond.ts'

/** This machine's addresses at this moment, link-local ones included, loopback left out. */
export const ownAddresses = (): Address[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .flatMap(({ address }) => {
      const bytes = parseAddress(address)
      return bytes === null ? [] : [bytes]
    })

/** How many binds are tried at a time. */
const BATCH = 64

/** All IPv6 addresses, and with them all of IPv4: what 2.x binds when it listens by itself. */
const ANY_IPV6: Address = Array.from({ length: 16 }, () => 0)

interface Asked {
  readonly protocol: Protocol
  readonly port: number
  readonly address: Address | null
}

/** The ports that a daemon binds, or tries to, before it starts to watch. 2.x's stealth mode does neither. */
const portsAsked = ({ dialect, mode, ports }: Configuration): Asked[] =>
  [...ports].flatMap(([protocol, rule]) => {
    if (rule.kind === 'ranges' && !isConnectMode(mode)) return []
    const below = rule.kind === 'below' ? Array.from({ length: rule.limit }, (_, port) => port) : []
    const numbers = [...below, ...portsToOpen(rule)]
    const address = dialect === '2.x' ? ANY_IPV6 : null
    return numbers.filter((port) => port > 0 && port < 65_536).map((port) => ({ protocol, port, address }))
  })

/** Of the ports that a daemon looks at before it starts to watch, those that a service has. Asks for each. */
export const findInUse = async (configurations: readonly Configuration[]): Promise<InUse> => {
  const taken = new Set<string>()
  const remaining = configurations.flatMap(portsAsked)
  const ask = async ({ protocol, port, address }: Asked): Promise<void> => {
    if (await isInUse(protocol, port, address)) taken.add(`${port}/${protocol}`)
  }
  while (remaining.length > 0) await Promise.all(remaining.splice(0, BATCH).map(ask))
  return (protocol, port) => taken.has(`${port}/${protocol}`)
}

/** What a detector leaves to the world around it, as far as it does not differ by source. */
interface Basis {
  readonly configurations: readonly Configuration[]
  readonly ignore: IgnoreSource
  readonly isInUse: Effects['isInUse']
  /** Hears of everything, after what the daemon would write is written. `faults`: what could not be. */
  readonly told: (settled: Outcome, faults: readonly string[]) => void
}

/**
 * Looks, and takes every action for done. What is not live but recorded is held against the files as they are once, and
 * no name server is asked about it.
 */
export const watchingEffects = ({ ignore, told, ...basis }: Basis, isLive: boolean): Effects => ({
  isInUse: basis.isInUse,
  ignoreList: isLive ? ignore.list : ignore.known,
  perform: (action) =>
    action.kind === 'impossible'
      ? { action, result: 'not-run', exitCode: null, said: action.reason }
      : { action, result: 'assumed', exitCode: null, said: '' },
  resolveName: isLive ? resolveName : (host) => host,
  localTime,
  finalized: (settled) => told(settled, []),
})

/** The hosts that a 2.x daemon takes for blocked from its start on; 1.2 forgets them at its start. */
export const readBlocked = async (
  root: string,
  { dialect, blockedFile }: Configuration,
): Promise<Uint8Array | undefined> => {
  if (dialect === '1.2' || blockedFile === null) return undefined
  return (await watchFile(await resolveInRoot(root, blockedFile)).changed()) ?? undefined
}

interface Records {
  readonly history: WatchedFile | null
  readonly blocked: WatchedFile | null
}

const openRecords = async (root: string, configuration: Configuration): Promise<Records> => {
  const open = async (path: string | null) =>
    path === null ? null : watchFile(await resolveInRoot(root, path))
  const { historyFile, blockedFile, dialect } = configuration
  const blocked = await open(blockedFile)
  // 1.2 forgets at each start whom it has blocked.
  if (dialect === '1.2') await blocked?.empty()
  return { history: await open(historyFile), blocked }
}

/** 1.2 runs with the umask 077, 2.x with systemd's. */
const MODES = { '1.2': 0o600, '2.x': 0o644 } as const

/** Does what the daemon would do: below `root`, and to this machine by the commands. Throws HostError at the start only. */
export const actingEffects = async (root: string, basis: Basis): Promise<Effects> => {
  const { configurations, told } = basis
  const records = new Map<Mode, Records>()
  for (const configuration of configurations) {
    records.set(configuration.mode, await openRecords(root, configuration))
  }
  const dialect = configurations[0]?.dialect ?? '1.2'
  const write = async (file: WatchedFile | null | undefined, bytes: Uint8Array | string | null) => {
    if (file === null || file === undefined || bytes === null) return []
    return file.append(bytes, MODES[dialect]).then(
      () => [],
      (error: unknown) => [messageOf(error)],
    )
  }
  return {
    ...watchingEffects(basis, true),
    blockedText: (mode) =>
      records
        .get(mode)
        ?.blocked?.changed()
        ?.then(
          (bytes) => bytes?.toString('latin1') ?? '',
          () => '',
        ),
    perform: (action) => perform(action, { root, dialect }),
    finalized: async (settled) => {
      const { blocked, history } = records.get(settled.decision.mode) ?? {}
      // The order in which 1.2 writes them.
      const faults = [
        ...(await write(blocked, settled.blockedRecord)),
        ...(await write(history, settled.history)),
      ]
      told(settled, faults)
    },
  }
}
