import { parseBlockedFile } from '../detector/blocked-file.ts'
import type { Mode } from '../detector/decision.ts'
import { type HistoryEvent, parseHistory } from '../detector/history-reader.ts'
import { getKey } from '../documents/portsentry-conf.ts'
import { JAIL } from '../facts/fail2ban.ts'
import { readHistoryTail } from '../facts/history-tail.ts'
import { HOSTS_DENY, readDenied } from '../facts/hosts-deny.ts'
import { DENIED } from '../policy/ban-set.ts'
import type { BanStore, StoredBan, StoreReading } from '../policy/banned.ts'
import type { LiveFacts } from '../policy/facts.ts'
import { readFileState } from '../system/files.ts'
import { HostError } from '../system/host-error.ts'
import { bansIn, type Found, instanceOf, type PortsentryInstance } from './portsentry-instance.ts'

const MODES_12: readonly Mode[] = ['tcp', 'stcp', 'atcp', 'udp', 'sudp', 'audp']

interface BlockedFile {
  readonly path: string
  /** The mode of the daemon that keeps it; null if all modes share one file. */
  readonly mode: Mode | null
}

/** The blocked files that this portsentry may have: 1.2 keeps one for each mode. */
export const blockedFilesOf = ({ release, conf }: PortsentryInstance): BlockedFile[] => {
  const path = conf === null ? '' : (getKey(conf, 'BLOCKED_FILE') ?? '')
  if (release === null || path === '') return []
  if (release.dialect === '2.x') return [{ path, mode: null }]
  return MODES_12.map((mode) => ({ path: `${path}.${mode}`, mode }))
}

/** Everything that shows who is banned, each source read once. */
export interface BansRead {
  readonly instance: PortsentryInstance
  readonly stores: readonly StoreReading[]
  /** The events in portsentry's history, in the file's order; null: `historyUnread` says why. */
  readonly history: readonly HistoryEvent[] | null
  readonly historyUnread: string
  /** The texts (latin1-decoded) of portsentry's blocked files, by mode; null: the file of all modes. */
  readonly blocked: ReadonlyMap<Mode | null, string>
}

/** A ban of which the store does not tell what led to it. */
const bare = (
  store: BanStore,
  address: string,
  detail: string,
  sinceMs: number | null = null,
  untilMs: number | null = null,
): StoredBan => ({ store, address, detail, sinceMs, untilMs, port: null, protocol: null, mode: null })

const read = (store: BanStore, bans: readonly StoredBan[], isExpected: boolean, note = ''): StoreReading => ({
  ...{ store, state: 'read', bans, isExpected, note },
})

/** A store that could not be read, or only in part, or that does not exist here. */
const gap = (
  store: BanStore,
  state: 'incomplete' | 'absent',
  note: string,
  bans: readonly StoredBan[] = [],
): StoreReading => ({ store, state, bans, isExpected: false, note })

/** A store that is a file: the reading says if it cannot be read. */
const orIncomplete = async (store: BanStore, reading: Promise<StoreReading>): Promise<StoreReading> => {
  try {
    return await reading
  } catch (error) {
    if (error instanceof HostError) return gap(store, 'incomplete', error.message)
    throw error
  }
}

const fail2banBans = (live: LiveFacts | null, isInstalled: boolean): StoreReading => {
  if (live === null) return gap('fail2ban', 'absent', 'a tree has no running fail2ban')
  if (!live.asRoot) return gap('fail2ban', 'incomplete', 'not readable without root')
  const { jails, jailed } = live
  if (jails === null && isInstalled)
    return gap('fail2ban', 'incomplete', 'fail2ban does not run, or does not answer')
  if (jails === null) return read('fail2ban', [], false, 'it is not installed')
  if (!jails.includes(JAIL)) return read('fail2ban', [], false, 'it has no portsentry jail loaded')
  if (jailed === null) return gap('fail2ban', 'incomplete', 'the portsentry jail does not list its bans')
  const bans = jailed.map(({ address, sinceMs, untilMs, note }) => ({
    ...bare('fail2ban', address, `jail ${JAIL}`, sinceMs, untilMs),
    note,
  }))
  return read('fail2ban', bans, true)
}

const readBlocked = async (
  instance: PortsentryInstance,
): Promise<{ reading: StoreReading; blocked: BansRead['blocked'] }> => {
  const { root, release, modes, conf, isAbsent, unknownReason } = instance
  const files = blockedFilesOf(instance)
  const blocked = new Map<Mode | null, string>()
  if (release === null || files.length === 0) {
    const state = conf === null && !isAbsent ? 'incomplete' : 'absent'
    return { reading: gap('blocked-file', state, unknownReason || 'there is no BLOCKED_FILE'), blocked }
  }
  // The file of a mode that no longer runs is not read: 1.2 empties it when it starts.
  const counted = files.filter(({ mode }) => mode === null || modes.length === 0 || modes.includes(mode))
  const reading = await orIncomplete(
    'blocked-file',
    Promise.all(
      counted.map(async ({ path, mode }) => {
        const text = (await readFileState(root, path))?.text
        if (text !== undefined) blocked.set(mode, text)
        return parseBlockedFile(text ?? '', release.dialect).map(
          ({ host, timeMs = null, port = null, protocol = null }): StoredBan => ({
            store: 'blocked-file',
            address: host,
            detail: path,
            sinceMs: timeMs,
            untilMs: null,
            port,
            protocol,
            mode,
          }),
        )
      }),
      // Portsentry's memory of hosts that it ignores: a host may be banned without being in it.
    ).then((bans) => read('blocked-file', bans.flat(), false)),
  )
  return { reading, blocked }
}

const readHostsDenyBans = async (instance: PortsentryInstance, { facts }: Found): Promise<StoreReading> => {
  const unread = facts.unreadable.get(HOSTS_DENY)
  if (unread !== undefined) return gap('hosts.deny', 'incomplete', unread.message)
  const text = facts.files.get(HOSTS_DENY)?.text ?? ''
  const { entered, listed } = await readDenied(facts.root, DENIED, text)
  const bans = [
    ...entered.map((address) => bare('hosts.deny', address, HOSTS_DENY)),
    ...(listed ?? []).map((address) => bare('hosts.deny', address, DENIED)),
  ]
  return read('hosts.deny', bans, bansIn(instance, 'hosts.deny') || (instance.isLive && listed !== null))
}

const firewallBans = (instance: PortsentryInstance, live: LiveFacts | null): StoreReading => {
  if (live === null) return gap('firewall', 'absent', 'a tree has no firewall')
  if (live.bans === null) return gap('firewall', 'incomplete', 'not readable without root')
  const bans = live.bans.map(({ address, where, untilMs }) => bare('firewall', address, where, null, untilMs))
  return live.bansUnread === null
    ? read('firewall', bans, bansIn(instance, 'firewall'))
    : gap('firewall', 'incomplete', live.bansUnread, bans)
}

export type HistoryRead = Pick<BansRead, 'history' | 'historyUnread'>

const readHistory = async (instance: PortsentryInstance): Promise<HistoryRead> => {
  const path = instance.configuration?.historyFile ?? null
  if (path === null)
    return { history: null, historyUnread: instance.unknownReason || 'there is no HISTORY_FILE' }
  try {
    return { history: parseHistory(await readHistoryTail(instance.root, path)), historyUnread: '' }
  } catch (error) {
    if (error instanceof HostError) return { history: null, historyUnread: error.message }
    throw error
  }
}

/**
 * Reads what the facts do not contain: portsentry's history and blocked files, and the list that hosts.deny names. `given`: the history,
 * where it was read already.
 */
export const readBans = async (found: Found, given?: HistoryRead): Promise<BansRead> => {
  const instance = instanceOf(found)
  const { live, packages } = found.facts
  const [history, { reading, blocked }, hostsDeny] = await Promise.all([
    given ?? readHistory(instance),
    readBlocked(instance),
    orIncomplete('hosts.deny', readHostsDenyBans(instance, found)),
  ])
  const stores = [
    fail2banBans(live, packages.has('fail2ban')),
    reading,
    hostsDeny,
    firewallBans(instance, live),
  ]
  return { instance, stores, ...history, blocked }
}

/**
 * Hosts that a running 2.x has in memory as blocked: it empties its history when it starts, so a host that the history shows as
 * blocked is still in its memory, even if its blocked file has changed. 1.2 keeps no such list in memory.
 */
export const rememberedHosts = ({ instance, history }: Pick<BansRead, 'instance' | 'history'>): Set<string> =>
  new Set(
    instance.release?.dialect === '2.x' && instance.modes.length > 0
      ? (history ?? []).filter(({ isBlocked }) => isBlocked).map(({ host }) => host)
      : [],
  )
