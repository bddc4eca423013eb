import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { execa } from 'execa'
import { errnoOf, HostError } from './host-error.ts'
import { childEnvironment, tryRun } from './process.ts'

const REFUSED = 75

/** A portward that was killed may have its lock for a moment longer. */
const PATIENCE_S = 2

export const LOCK = '/run/portward.lock'

/** Whoever may read the file may hold its lock, and keep root out. */
const keepPrivate = async (path: string): Promise<void> => {
  try {
    const handle = await open(path, 'a', 0o600)
    await handle.chmod(0o600).finally(() => handle.close())
  } catch (error) {
    throw new HostError(`cannot lock ${path}: ${errnoOf(error)}`, 'run portward as root', { cause: error })
  }
}

/** Whether a portward is at work on this server now. Asked as root, whose lock it is. */
export const isLocked = async (): Promise<boolean> => {
  if (!existsSync(LOCK)) return false
  const { exitCode } = await tryRun('flock', [
    '--nonblock',
    '--conflict-exit-code',
    `${REFUSED}`,
    LOCK,
    'true',
  ])
  return exitCode === REFUSED
}

/**
 * Keeps a second apply off the same server or tree until `release` is called. The kernel holds the lock for a
 * child process that ends with this one, however this one ends: nothing is left to be cleaned up.
 */
export const takeLock = async (root: string): Promise<{ release: () => Promise<void> }> => {
  const path = root === '/' ? LOCK : root
  if (root === '/') await keepPrivate(LOCK)
  const holder = execa(
    'flock',
    [
      '--timeout',
      String(PATIENCE_S),
      '--conflict-exit-code',
      String(REFUSED),
      path,
      'sh',
      '-c',
      'echo locked; exec cat',
    ],
    { reject: false, buffer: false, detached: true, env: childEnvironment(), extendEnv: false },
  )
  const locked = await new Promise<boolean>((resolve) => {
    holder.stdout.once('data', () => resolve(true))
    holder.once('exit', () => resolve(false))
    holder.once('error', () => resolve(false))
  })
  if (!locked) {
    const { exitCode, shortMessage } = (await holder) as { exitCode?: number; shortMessage?: string }
    throw exitCode === REFUSED
      ? new HostError(`another portward is at work on ${root}`, 'wait until it has finished')
      : new HostError(
          `cannot lock ${path}: ${shortMessage ?? `exit code ${exitCode}`}`,
          'run portward as root',
        )
  }
  return {
    release: async () => {
      holder.stdin.end()
      await holder
    },
  }
}
