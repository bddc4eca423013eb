import { appendFile, lstat, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { applyEdits } from '../documents/edit.ts'
import { parseHostsAccess } from '../documents/hosts-access.ts'
import { deniedAddresses, removeDenied } from '../documents/hosts-access-edit.ts'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { formatAddress, parseAddress } from '../network.ts'
import { DENIED } from '../policy/ban-set.ts'
import { readFileState, replaceFile, rewriteGrowing } from './files.ts'
import { errnoOf, HostError, messageOf } from './host-error.ts'
import { resolveInRoot } from './paths.ts'

export const HOSTS_DENY = '/etc/hosts.deny'

export interface Denial {
  readonly done: boolean
  /** Why it could not be written, or what is odd about how it was; else ''. */
  readonly said: string
}

const GLUED = `${HOSTS_DENY} did not end with a newline: the entry is part of its last line now`

const isUnfinished = (text: string): boolean => text !== '' && !text.endsWith('\n')

/** 1.2 (KillHostsDeny): a bare append, which makes the file where there is none; its umask makes that 0600. */
const append12 = async (real: string, line: string): Promise<Denial> => {
  const before = await readFile(real, 'latin1').catch(() => '')
  await appendFile(real, `${line}\n`, { encoding: 'latin1', mode: 0o600 })
  return { done: true, said: isUnfinished(before) ? GLUED : '' }
}

/** 2.x reads lines with fgets into 1024 bytes and gives up looking at the first that is longer (FindInFile). */
const MAX_LINE = 1022

const isListed = (text: string, line: string): boolean => {
  const lines = text.split('\n')
  const found = lines.indexOf(line)
  const overlong = lines.findIndex((other) => other.length > MAX_LINE)
  return found !== -1 && (overlong === -1 || found < overlong)
}

/**
 * 2.x (KillHostsDeny in io.c): only a file that is there and that not all may write. It means to refuse a link,
 * too, but asks with stat(), and puts a plain file in the link's place: here the link is refused.
 */
const replace2 = async (root: string, line: string): Promise<Denial> => {
  const asked = join(await resolveInRoot(root, dirname(HOSTS_DENY)), basename(HOSTS_DENY))
  const entry = await lstat(asked)
  if (entry.isSymbolicLink()) return { done: false, said: `${asked} is a symbolic link` }
  if ((entry.mode & 0o002) !== 0) return { done: false, said: `${asked} may be written by all` }
  const text = await readFile(asked, 'latin1')
  if (isListed(text, line)) return { done: true, said: '' }
  await replaceFile(root, HOSTS_DENY, `${text}${line}\n`, 0o644)
  return { done: true, said: isUnfinished(text) ? GLUED : '' }
}

/** Enters a line (latin1-decoded) into hosts.deny below `root`, as the daemon of this generation does. Never throws. */
export const denyHost = async (root: string, line: string, dialect: Dialect): Promise<Denial> => {
  try {
    return dialect === '1.2'
      ? await append12(await resolveInRoot(root, HOSTS_DENY), line)
      : await replace2(root, line)
  } catch (error) {
    if (!(error instanceof HostError) && errnoOf(error) === undefined) throw error
    return { done: false, said: messageOf(error) }
  }
}

const readText = async (root: string): Promise<string> => (await readFileState(root, HOSTS_DENY))?.text ?? ''

/** An address in canonical form; what is none, as it is. */
export const canonical = (text: string): string => {
  const address = parseAddress(text)
  return address === null ? text : formatAddress(address)
}

/** The host of a line of the file that hosts.deny names, in canonical form: IPv6 addresses stand in brackets there. */
const deniedHost = (line: string): string => canonical(line.replace(/^\[(.*)\]$/, '$1'))

/** Hosts that are refused by hosts.deny, in canonical form. */
export interface Denied {
  /** Those that portsentry has entered, each once. */
  readonly entered: readonly string[]
  /** Those in the file that hosts.deny names; null where it names none. */
  readonly inFile: readonly string[] | null
}

/** Throws HostError. */
export const readDenied = async (root: string): Promise<Denied> => {
  const doc = parseHostsAccess(await readText(root))
  const entered = [...new Set(deniedAddresses(doc).map(canonical))]
  if (!doc.rules.some(({ clients }) => clients.includes(DENIED))) return { entered, inFile: null }
  const text = (await readFileState(root, DENIED))?.text ?? ''
  return { entered, inFile: text.split('\n').filter(Boolean).map(deniedHost) }
}

/** Takes hosts out of that file. Throws HostError. */
const releaseFromFile = async (root: string, isReleased: (host: string) => boolean): Promise<void> => {
  const file = await readFileState(root, DENIED)
  if (file === null) return
  const lines = file.text.split('\n')
  const kept = lines.filter((line) => line === '' || !isReleased(deniedHost(line)))
  if (kept.length < lines.length) await replaceFile(root, DENIED, kept.join('\n'), 0o644)
}

/** Whether a text for hosts.deny has nothing but portsentry's own lines. */
export const isOnlyDenials = (text: string): boolean => {
  const edits = removeDenied(parseHostsAccess(text), () => true)
  return applyEdits(text, edits).trim() === ''
}

/** Takes these hosts (canonical texts) out: portsentry's lines, and lines of the file that is named. Throws HostError. */
export const releaseDenied = async (root: string, isReleased: (host: string) => boolean): Promise<void> => {
  const release = (text: string): string =>
    applyEdits(
      text,
      removeDenied(parseHostsAccess(text), (client) => isReleased(canonical(client))),
    )
  await rewriteGrowing(root, HOSTS_DENY, release, 0o644)
  await releaseFromFile(root, isReleased)
}

/**
 * Gives hosts.deny the bytes of a plan that was made when it had others. Whom portsentry has entered since then stays
 * entered. Throws HostError where anything else has changed.
 */
export const writeDenied = async (
  root: string,
  planned: { readonly before: string; readonly after: string },
  changed: () => HostError,
): Promise<void> => {
  const write = (text: string): string => {
    const added = text.slice(planned.before.length)
    if (!text.startsWith(planned.before) || !isOnlyDenials(added)) throw changed()
    return planned.after + added
  }
  await rewriteGrowing(root, HOSTS_DENY, write, 0o644)
}
