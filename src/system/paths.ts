import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { failedTo, HostError, isMissing } from './host-error.ts'

// Paths are looked up synchronously: a thread for each of some hundred short system calls takes far longer than the calls.

const MAX_LINKS = 40

/**
 * The real path of `path` below `root`: symbolic links are followed as a process chrooted to `root` would,
 * so that an absolute link in an image never leads to this machine's own files. Components that do not
 * exist are kept as they are. Throws HostError on a loop of links, and, where root works on the live system, on a link
 * that another user could point elsewhere.
 */
export const resolveInRoot = async (root: string, path: string): Promise<string> => {
  let pending = normalize(path).split('/').filter(Boolean)
  let resolved = '/'
  let links = 0
  while (pending.length > 0) {
    const [part, ...rest] = pending as [string, ...string[]]
    pending = rest
    if (part === '..') {
      resolved = dirname(resolved)
      continue
    }
    const next = join(resolved, part)
    const target = linkTarget(join(root, next))
    if (target === null) resolved = next
    else {
      links += 1
      if (links > MAX_LINKS) throw new HostError(`${path} is a loop of symbolic links`, 'correct the links')
      if (root === '/' && process.geteuid?.() === 0) expectTrusted(path, next)
      if (target.startsWith('/')) resolved = '/'
      pending = [
        ...target.split('/').filter((component) => component !== '' && component !== '.'),
        ...pending,
      ]
    }
  }
  return join(root, resolved)
}

/** What is at a path, links followed; null if there is nothing, or it cannot be looked at. */
export const statIfPresent = (path: string): Stats | null => {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null
  } catch {
    return null
  }
}

export const isDirectory = (path: string): boolean => statIfPresent(path)?.isDirectory() ?? false

/** What is at a path, links not followed; null if there is nothing. Throws HostError. */
const lookAt = (path: string): Stats | null => {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null
  } catch (error) {
    if (isMissing(error)) return null
    throw failedTo('look at', path, error)
  }
}

const linkTarget = (path: string): string | null => {
  if (lookAt(path)?.isSymbolicLink() !== true) return null
  try {
    return readlinkSync(path)
  } catch (error) {
    if (isMissing(error)) return null
    throw failedTo('look at', path, error)
  }
}

/** Who besides root can change an entry, as text, and the command against that; null if only root. A link's mode is meaningless. */
const otherOwner = (
  path: string,
  { uid, mode }: Stats,
  isLink: boolean,
): { who: string; fix: string } | null => {
  if (uid !== 0) return { who: `belongs to user ${uid}`, fix: `chown -h root ${path}` }
  // Sticky directories too: any user can create a file there that does not exist yet, or that root has removed.
  if (isLink || (mode & 0o022) === 0) return null
  return {
    who: `can be changed by users other than root (mode ${(mode & 0o7777).toString(8)})`,
    fix: `chmod go-w ${path}`,
  }
}

/**
 * Who besides root could replace `real`, an absolute path without links, by another file, as text; null if only root. In a
 * sticky directory only root can replace root's entries.
 */
export const findOtherOwnerAbove = async (real: string): Promise<{ who: string; fix: string } | null> => {
  for (let directory = dirname(real); ; directory = dirname(directory)) {
    const entry = lookAt(directory)
    const isSticky = entry?.uid === 0 && (entry.mode & 0o1000) !== 0
    const owner = entry === null || isSticky ? null : otherOwner(directory, entry, false)
    if (owner !== null) return { ...owner, who: `${directory} ${owner.who}` }
    if (directory === '/') return null
  }
}

/**
 * Who besides root could create the file `real`, or its directory, before root does, as text; null if only root. Missing
 * directories are created by root.
 */
export const findOtherCreator = async (real: string): Promise<string | null> => {
  for (let directory = dirname(real); ; directory = dirname(directory)) {
    const entry = lookAt(directory)
    const owner = entry === null ? null : otherOwner(directory, entry, false)
    if (owner !== null) return `${directory} ${owner.who}`
    if (directory === '/') return null
  }
}

/**
 * A user who can change a link, its directory or one of those above decides where it leads, and could make root read or
 * write any file. `link` is absolute, without links above its last component. Throws HostError.
 */
const expectTrusted = (path: string, link: string): void => {
  for (let current = link; ; current = dirname(current)) {
    const entry = lookAt(current)
    const owner = entry === null ? null : otherOwner(current, entry, current === link)
    if (owner !== null) {
      const which = current === link ? `${link}, which` : `${link}, and ${current}`
      throw new HostError(
        `${path} leads through the symbolic link ${which} ${owner.who}: root does not follow it`,
        `put the file itself there, or ${owner.fix}`,
      )
    }
    if (current === '/') return
  }
}
