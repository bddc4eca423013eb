import { setTimeout as sleep } from 'node:timers/promises'
import { type IgnoreFile, judgeIgnoreip } from '../documents/ignoreip.ts'
import { canonicalAddress, type Network } from '../network.ts'
import { readJson } from '../read-json.ts'
import { monotonicMs } from '../system/clock.ts'
import { tryRun } from '../system/process.ts'
import { waitingFor } from '../system/progress.ts'
import { endOrNever } from '../time.ts'
import { readDaemons } from './daemons.ts'
import { askAtSocket } from './fail2ban-socket.ts'

/** The jail that bans by portsentry's history. */
export const JAIL = 'portsentry'

const TIMEOUT_MS = 30_000

const client = (...args: string[]) => tryRun('fail2ban-client', args, { timeoutMs: TIMEOUT_MS })

/** Debian's default. */
const SOCKET = '/run/fail2ban/fail2ban.sock'

/**
 * The answer of the running server, with a line for each element of a list; null if it does not answer, or refuses.
 * fail2ban-client, which also finds a configured socket, is only run if no server listens at the usual one.
 */
export const ask = async (...words: string[]): Promise<string | null> => {
  const answer = await waitingFor('fail2ban to answer', TIMEOUT_MS, () =>
    askAtSocket(SOCKET, words, TIMEOUT_MS),
  )
  if (answer.kind === 'answered') return answer.lines.join('\n')
  if (answer.kind === 'refused') return null
  const { exitCode, stdout } = await client(...words)
  return exitCode === 0 ? stdout.trimEnd() : null
}

/** Whether fail2ban-client can be run. */
export const isInstalled = async (): Promise<boolean> => (await client('--version')).exitCode === 0

/** Jails that the running server has loaded by now; null where it does not answer. */
export const askJails = async (): Promise<string[] | null> => {
  const status = await ask('status')
  if (status === null) return null
  const list = /Jail list:\s*(.*)$/m.exec(status)?.[1] ?? ''
  return list.split(/[,\s]+/).filter(Boolean)
}

/** For this long after its start a server may not answer yet. */
const SILENT_MS = 60_000
/** For this long it may answer without having jails: it receives all of them at once, as soon as it answers. */
const EMPTY_MS = 10_000
const POLL_MS = 100

/** Whether the server was started less than so many milliseconds ago. */
export const isYoungerThan = async (ageMs: number): Promise<boolean> =>
  (await readDaemons('fail2ban')).some(({ startedMs }) => Date.now() - startedMs < ageMs)

/** Jails that the running server has loaded; null if it does not answer. Waits for a server that is still starting. */
export const readJails = (): Promise<string[] | null> =>
  waitingFor('fail2ban to answer', SILENT_MS, async () => {
    const deadline = monotonicMs() + SILENT_MS
    let jails = await askJails()
    while (monotonicMs() < deadline) {
      const patienceMs = jails === null ? SILENT_MS : jails.length === 0 ? EMPTY_MS : 0
      if (patienceMs === 0 || !(await isYoungerThan(patienceMs))) return jails
      await sleep(POLL_MS)
      jails = await askJails()
    }
    return jails
  })

/** One option of a jail, from the running server; null if it does not answer. */
export const readOption = (jail: string, ...option: readonly string[]): Promise<string | null> =>
  ask('get', jail, ...option)

/** Addresses that a jail has banned; none where the server or the jail does not answer. */
export const readBanned = async (jail: string): Promise<string[]> => {
  if (!(await readJails())?.includes(jail)) return []
  return ((await readOption(jail, 'banip')) ?? '').split(/\s+/).filter(Boolean)
}

/** One address that a jail has banned. */
export interface JailBan {
  /** In canonical text. */
  readonly address: string
  readonly sinceMs: number
  /** Null: permanently. */
  readonly untilMs: number | null
  /** What `portward ban` said about it; null: the jail bans it for a scan, or somebody with fail2ban-client. */
  readonly note: BanNote | null
}

/** What `portward ban` says about a ban. */
export interface BanNote {
  /** Null: none was given. */
  readonly reason: string | null
  /** The server that has shared it; null: the ban was made here. */
  readonly from: string | null
}

const BAN_LINE = /^(\S+)[ \t]+(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) \+ (-?\d+) = /gm

/** What `fail2ban-client get JAIL banip --with-time` prints, in the server's local time (fail2ban 1.0 to 1.1). */
export const parseJailBans = (text: string, notes: ReadonlyMap<string, BanNote> = new Map()): JailBan[] => {
  const bans: JailBan[] = []
  for (const [, host = '', date, time, seconds] of text.matchAll(BAN_LINE)) {
    const address = canonicalAddress(host)
    if (address === null) continue
    // A time without a zone is local to Date.parse, too.
    const sinceMs = Date.parse(`${date}T${time}`)
    const untilMs = Number(seconds) < 0 ? null : endOrNever(sinceMs + Number(seconds) * 1000)
    bans.push({ address, sinceMs, untilMs, note: notes.get(address) ?? null })
  }
  return bans
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** The answer of portward's action: an object of notes by address. Those of none are left out. */
export const parseBanNotes = (answer: string): ReadonlyMap<string, BanNote> =>
  new Map(
    Object.entries(readJson<Record<string, Partial<BanNote> | null>>(answer) ?? {}).flatMap(
      ([host, note]) => {
        const address = canonicalAddress(host)
        return address === null || note === null
          ? []
          : [[address, { reason: textOrNull(note.reason), from: textOrNull(note.from) }]]
      },
    ),
  )

/** The words that have portward's action in fail2ban ban hosts by hand, and return its notes on all bans. */
export const BY_HAND_WORDS = ['set', JAIL, 'action', 'portward', 'by_hand'] as const

/** The bans of the portsentry jail; null where it does not answer, or is not among the loaded jails. */
export const readJailBans = async (loaded: readonly string[] | null): Promise<JailBan[] | null> => {
  if (!loaded?.includes(JAIL)) return null
  // Refused by the action of an earlier version, and if another one bans.
  const [text, notes] = await Promise.all([readOption(JAIL, 'banip', '--with-time'), ask(...BY_HAND_WORDS)])
  return text === null ? null : parseJailBans(text, parseBanNotes(notes ?? ''))
}

/** The jails in what the server, or fail2ban-client, answers to `banned ADDRESS`. */
export const parseBanningJails = (answer: string): string[] => answer.split(/[\s:,'[\]]+/).filter(Boolean)

/** The jails that have banned an address; none where the server does not answer. */
export const findBanningJails = async (address: string): Promise<string[]> =>
  parseBanningJails((await ask('banned', address)) ?? '')

/** The state of one host in the running fail2ban. */
export interface JailState {
  /** Jails that are loaded; null where the server does not answer. */
  readonly jails: readonly string[] | null
  /** The entry of the portsentry jail's ignoreip that covers the host. */
  readonly ignoredBy: string | null
  /** Files in ignoreip of which it is unknown whether they cover it, with the reason. */
  readonly ignoreipUnread: readonly string[]
  /** Seconds; -1: permanently. Null where the jail is not loaded. */
  readonly bantimeS: number | null
  /** Jails that have banned the host. */
  readonly bannedBy: readonly string[]
}

/** `files`: those that ignoreip names, by path; null where this fail2ban does not read any. */
export const readJailState = async (
  jails: readonly string[] | null,
  host: Network,
  address: string,
  files: ReadonlyMap<string, IgnoreFile> | null,
): Promise<JailState> => {
  const isLoaded = jails?.includes(JAIL) === true
  const [ignoreip, bantime, bannedBy] = await Promise.all([
    isLoaded ? readOption(JAIL, 'ignoreip') : null,
    isLoaded ? readOption(JAIL, 'bantime') : null,
    jails === null ? [] : findBanningJails(address),
  ])
  const verdict = judgeIgnoreip(ignoreip ?? '', host, files)
  return {
    jails,
    ignoredBy: verdict.at === null ? verdict.entry : `${verdict.entry} (${verdict.at})`,
    ignoreipUnread: verdict.unread,
    bantimeS: bantime === null ? null : Number(bantime),
    bannedBy,
  }
}
