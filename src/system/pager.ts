import { spawn } from 'node:child_process'
import { uninterrupted } from './signals.ts'

/**
 * Shows text with a pager, which gets this process's terminal, and waits until it has ended. `command` is for sh. Returns whether
 * it could be started.
 */
export const showInPager = (
  command: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<boolean> =>
  // Ctrl-C is for the pager.
  uninterrupted(
    () =>
      new Promise((resolve) => {
        // less: end at once if the text fits, show colours, leave the text on the screen.
        const child = spawn('sh', ['-c', command], {
          stdio: ['pipe', 'inherit', 'inherit'],
          env: { ...env, LESS: env['LESS'] ?? 'FRX' },
        })
        child.once('error', () => resolve(false))
        child.once('close', (code) => resolve(code !== 126 && code !== 127))
        // It may be left before it has read everything.
        child.stdin.on('error', () => {})
        child.stdin.end(text)
      }),
  )
