import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { execa } from 'execa'
import { failedTo, HostError } from './host-error.ts'
import { childEnvironment, tryRun } from './process.ts'

const REFUSED = 75

/** A portward that was killed may have its lock for a moment longer. */
const PATIENCE_S = 2

export const LOCK = '/run/portward.lock'

/**
 * Where generations and the journal of a server are kept: root's alone, since they hold copies of configuration files.
 * Locked while apt or dpkg runs for portward. An apply to a tree keeps nothing behind: its record is in a directory
 * that ends with it.
 */
export const STATE = '/var/lib/portward'

export interface Lock {
  readonly release: () => Promise<void>
}

/** A user who may read the file could hold its lock and keep root out. */
const keepPrivate = async (path: string): Promise<void> => {
  try {
    const handle = await open(path, 'a', 0o600)
    await handle.chmod(0o600).finally(() => handle.close())
  } catch (error) {
    throw failedTo('lock', path, error)
  }
}

/** Whether a portward is running on this server now. Only root can ask, whose lock it is. */
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
 * Takes a lock as flock(1) does. The kernel holds it for a child process that ends with this one, however this one ends:
 * nothing is left to be cleaned up. Throws `refused` where another process keeps it for longer than `patienceS`.
 */
export const holdLock = async (path: string, patienceS: number, refused: HostError): Promise<Lock> => {
  const options = ['--timeout', String(patienceS), '--conflict-exit-code', String(REFUSED)]
  const holder = execa('flock', [...options, path, 'sh', '-c', 'echo locked; exec cat'], {
    reject: false,
    buffer: false,
    detached: true,
    env: childEnvironment(),
    extendEnv: false,
  })
  const locked = await new Promise<boolean>((resolve) => {
    holder.stdout.once('data', () => resolve(true))
    holder.once('exit', () => resolve(false))
    holder.once('error', () => resolve(false))
  })
  if (!locked) {
    const { exitCode, shortMessage } = (await holder) as { exitCode?: number; shortMessage?: string }
    throw exitCode === REFUSED
      ? refused
      : new HostError(
          `cannot lock ${path}: ${shortMessage ?? `exit code ${exitCode}`}`,
          'see whether flock (of util-linux) works',
        )
  }
  return {
    release: async () => {
      holder.stdin.end()
      await holder
    },
  }
}

/** Keeps a second apply off the same server or tree until `release` is called. */
export const takeLock = async (root: string): Promise<Lock> => {
  const path = root === '/' ? LOCK : root
  if (root === '/') await keepPrivate(LOCK)
  const refused = new HostError(`another portward is running on ${root}`, 'wait until it has finished')
  return holdLock(path, PATIENCE_S, refused)
}
