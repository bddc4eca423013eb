import { lstat, readlink, stat } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { errnoOf, HostError } from './host-error.ts'

const MAX_LINKS = 40

/**
 * The real place of `path` below `root`: symbolic links are followed as a process chrooted to `root` would,
 * so that an absolute link in an image never leads to this machine's own files. Components that do not
 * exist stay as they are. Throws HostError on a loop of links.
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
    const target = await linkTarget(join(root, next))
    if (target === null) resolved = next
    else {
      links += 1
      if (links > MAX_LINKS) throw new HostError(`${path} is a loop of symbolic links`, 'mend the links')
      if (target.startsWith('/')) resolved = '/'
      pending = [
        ...target.split('/').filter((component) => component !== '' && component !== '.'),
        ...pending,
      ]
    }
  }
  return join(root, resolved)
}

export const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  )

const linkTarget = async (path: string): Promise<string | null> => {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : null
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null
    throw new HostError(`cannot look at ${path}: ${errnoOf(error)}`, 'run as root', { cause: error })
  }
}
