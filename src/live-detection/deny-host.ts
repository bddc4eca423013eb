import { appendFile, lstat, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Dialect } from '../documents/portsentry-conf.ts'
import { HOSTS_DENY } from '../facts/hosts-deny.ts'
import { replaceFile } from '../system/files.ts'
import { errnoOf, HostError, messageOf } from '../system/host-error.ts'
import { resolveInRoot } from '../system/paths.ts'

export interface Denial {
  readonly done: boolean
  /** Why hosts.deny could not be written, or a problem with the result; else ''. */
  readonly message: string
}

const GLUED = `${HOSTS_DENY} did not end with a newline: the entry is part of its last line now`

const isUnfinished = (text: string): boolean => text !== '' && !text.endsWith('\n')

/** 1.2 (KillHostsDeny): a plain append, which creates a missing file, with mode 0600 because of its umask. */
const append12 = async (real: string, line: string): Promise<Denial> => {
  const before = await readFile(real, 'latin1').catch(() => '')
  await appendFile(real, `${line}\n`, { encoding: 'latin1', mode: 0o600 })
  return { done: true, message: isUnfinished(before) ? GLUED : '' }
}

/** 2.x reads lines with fgets into 1024 bytes and stops searching at the first longer line (FindInFile). */
const MAX_LINE = 1022

const isListed = (text: string, line: string): boolean => {
  const lines = text.split('\n')
  const found = lines.indexOf(line)
  const overlong = lines.findIndex((other) => other.length > MAX_LINE)
  return found !== -1 && (overlong === -1 || found < overlong)
}

/**
 * 2.x (KillHostsDeny in io.c): only a file that exists and is not world-writable. The daemon is meant to refuse a link,
 * too, but it calls stat(), and replaces the link by a plain file: here the link is refused.
 */
const replace2 = async (root: string, line: string): Promise<Denial> => {
  const path = join(await resolveInRoot(root, dirname(HOSTS_DENY)), basename(HOSTS_DENY))
  const entry = await lstat(path)
  if (entry.isSymbolicLink()) return { done: false, message: `${path} is a symbolic link` }
  if ((entry.mode & 0o002) !== 0) return { done: false, message: `${path} is world-writable` }
  const text = await readFile(path, 'latin1')
  if (isListed(text, line)) return { done: true, message: '' }
  await replaceFile(root, HOSTS_DENY, `${text}${line}\n`, 0o644)
  return { done: true, message: isUnfinished(text) ? GLUED : '' }
}

/** Adds a line (latin1-decoded) to hosts.deny below `root`, as the daemon of this dialect does. Never throws. */
export const denyHost = async (root: string, line: string, dialect: Dialect): Promise<Denial> => {
  try {
    return dialect === '1.2'
      ? await append12(await resolveInRoot(root, HOSTS_DENY), line)
      : await replace2(root, line)
  } catch (error) {
    if (!(error instanceof HostError) && errnoOf(error) === undefined) throw error
    return { done: false, message: messageOf(error) }
  }
}
