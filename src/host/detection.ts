import { networkInterfaces } from 'node:os'
import type { Configuration } from '../detector/configuration.ts'
import type { Mode, Settled } from '../detector/decision.ts'
import type { Address } from '../detector/packet.ts'
import type { InUse } from '../detector/ports.ts'
import type { Effects } from '../detector/watcher.ts'
import { parseAddress } from '../network.ts'
import { isInUse } from './bind.ts'
import { localTime } from './clock.ts'
import { messageOf } from './host-error.ts'
import { resolveName } from './names.ts'
import { resolveInRoot } from './paths.ts'
import type { IgnoreSource } from './portsentry-files.ts'
import { type WatchedFile, watchFile } from './records.ts'
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

/** Of the ports that 1.2 looks at before it starts to watch, those that a service has. Asks for each. */
export const findInUse = async (configurations: readonly Configuration[]): Promise<InUse> => {
  const asked = configurations.flatMap(({ ports }) =>
    [...ports].flatMap(([protocol, rule]) => {
      if (rule.kind === 'ranges') return []
      const numbers =
        rule.kind === 'listed' ? rule.ports : Array.from({ length: rule.limit }, (_, port) => port)
      return numbers.filter((port) => port > 0 && port < 65_536).map((port) => ({ protocol, port }))
    }),
  )
  const taken = new Set<string>()
  const remaining = [...asked]
  const ask = async ({ protocol, port }: (typeof asked)[number]): Promise<void> => {
    if (await isInUse(protocol, port, null)) taken.add(`${port}/${protocol}`)
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
  readonly told: (settled: Settled, faults: readonly string[]) => void
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
  settled: (settled) => told(settled, []),
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
    settled: async (settled) => {
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
