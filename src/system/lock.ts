import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { failedTo, HostError } from './host-error.ts'
import { follow, tryRun } from './process.ts'

const REFUSED = 75

/** The lock of a portward that was killed may be released a moment later. */
const PATIENCE_S = 2

export const LOCK = '/run/portward.lock'

/**
 * The directory of a server's generations and journal: only root can read it, since it has copies of configuration files.
 * Locked while apt or dpkg runs for portward. An apply to a tree leaves no record: it is in a temporary directory, which is
 * removed at the end.
 */
export const STATE = '/var/lib/portward'

export interface Lock {
  readonly release: () => Promise<void>
}

/** A user who may read the lock file could hold its lock and block root. */
const keepPrivate = async (path: string): Promise<void> => {
  try {
    const handle = await open(path, 'a', 0o600)
    await handle.chmod(0o600).finally(() => handle.close())
  } catch (error) {
    throw failedTo('lock', path, error)
  }
}

/** Whether a portward is running on this server now. Only root can test the lock. */
export const isLocked = async (path = LOCK): Promise<boolean> => {
  if (!existsSync(path)) return false
  const { exitCode } = await tryRun('flock', [
    '--nonblock',
    '--conflict-exit-code',
    `${REFUSED}`,
    path,
    'true',
  ])
  return exitCode === REFUSED
}

/**
 * Takes a lock as flock(1) does. A child process holds it that ends with this one, even if this one is killed: nothing is left
 * to be cleaned up. Throws `refused` if another process keeps it for longer than `patienceS`.
 */
export const holdLock = async (path: string, patienceS: number, refused: HostError): Promise<Lock> => {
  const options = ['--no-fork', '--timeout', String(patienceS), '--conflict-exit-code', String(REFUSED)]
  const holder = follow('flock', [...options, path, 'cat'])
  // As soon as it has the lock, it becomes a cat that sends this back.
  holder.stdin.write('locked\n')
  const isHeld = await Promise.race([
    once(holder.stdout, 'data').then(() => true),
    holder.ended.then(() => false),
  ])
  if (!isHeld) {
    const { exitCode, stderr } = await holder.ended
    const why = stderr || `exit code ${exitCode}`
    throw exitCode === REFUSED
      ? refused
      : new HostError(`cannot lock ${path}: ${why}`, 'see whether flock (of util-linux) works')
  }
  return {
    release: async () => {
      holder.stdin.end()
      await holder.ended
    },
  }
}

/** Prevents a second apply to the same server or tree until `release` is called. */
export const takeLock = async (root: string): Promise<Lock> => {
  const path = root === '/' ? LOCK : root
  if (root === '/') await keepPrivate(LOCK)
  const refused = new HostError(`another portward is running on ${root}`, 'wait until it has finished')
  return holdLock(path, PATIENCE_S, refused)
}
