import { execa } from 'execa'
import { HostError } from './host-error.ts'
import { childEnvironment } from './process.ts'

const REFUSED = 75

/**
 * Keeps a second apply off the same server or tree until `release` is called. The kernel holds the lock for a
 * child process that ends with this one, however this one ends: nothing is left to be cleaned up.
 */
export const takeLock = async (root: string): Promise<{ release: () => Promise<void> }> => {
  const path = root === '/' ? '/run/portward.lock' : root
  const holder = execa(
    'flock',
    ['--nonblock', '--conflict-exit-code', String(REFUSED), path, 'sh', '-c', 'echo locked; exec cat'],
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
