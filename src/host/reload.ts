import { readFile, rename, writeFile } from 'node:fs/promises'
import { readDaemons } from '../facts/daemons.ts'
import { effect } from './effect.ts'
import { readAttributes } from './files.ts'
import { run } from './process.ts'

/**
 * What the running fail2ban has read since it was started: a reload leaves no other trace that could be asked for. Only
 * files that portward had it read are known. Gone at the next boot, as that process is.
 */
const RECORD = '/run/portward-fail2ban.json'

interface Reread {
  /** The process, by its number and start. */
  readonly pid: number
  readonly startedMs: number
  /** When each of the files had been changed last. */
  readonly files: Readonly<Record<string, number>>
}

/** In place of a time: fail2ban may have read the file, or an earlier one. */
const UNSURE = -1

/** Readings of the same start differ by a little. */
const SAME_START_MS = 2000

const readServers = async () => (await readDaemons()).filter(({ service }) => service === 'fail2ban')

const readRecord = async (): Promise<Reread | null> => {
  const text = await readFile(RECORD, 'utf8').catch(() => null)
  try {
    return text === null ? null : (JSON.parse(text) as Reread)
  } catch {
    return null
  }
}

/** Files that the running fail2ban has read again at a reload of portward's, with the time of their last change then. */
export const readReread = async (): Promise<ReadonlyMap<string, number>> => {
  const record = await readRecord()
  if (record === null) return new Map()
  const isSame = (await readServers()).some(
    ({ pid, startedMs }) => pid === record.pid && Math.abs(startedMs - record.startedMs) < SAME_START_MS,
  )
  return new Map(isSame ? Object.entries(record.files) : [])
}

const modifiedMs = async (path: string): Promise<number | null> =>
  (await readAttributes('/', path))?.modifiedMs ?? null

const remember = async (files: ReadonlyMap<string, number>): Promise<void> => {
  const [daemon] = await readServers()
  if (daemon === undefined) return
  const { pid, startedMs } = daemon
  const record: Reread = { pid, startedMs, files: Object.fromEntries(files) }
  await writeFile(`${RECORD}.new`, `${JSON.stringify(record)}\n`, { mode: 0o644 })
  await rename(`${RECORD}.new`, RECORD)
}

/**
 * Has fail2ban read the portsentry jail's options, filter and action again, for the sake of these files. Bans stay, and
 * nothing is run for them. Throws HostError; the jail may be gone then.
 */
export const reloadJail = async (paths: readonly string[]): Promise<void> => {
  const times = new Map<string, number>()
  for (const path of [...(await readReread()).keys(), ...paths]) {
    const time = await modifiedMs(path)
    if (time !== null) times.set(path, time)
  }
  await remember(new Map([...times.keys()].map((path) => [path, UNSURE])))
  await effect('run fail2ban-client reload portsentry', () =>
    run('fail2ban-client', ['reload', 'portsentry'], 'see /var/log/fail2ban.log'),
  )
  await remember(times)
}

/** Of the files that fail2ban was made to read again: those that are not what it has read. */
export const findUnread = async (): Promise<string[]> => {
  const unread: string[] = []
  for (const [path, time] of await readReread()) if ((await modifiedMs(path)) !== time) unread.push(path)
  return unread
}
