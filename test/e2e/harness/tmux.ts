import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'
import { eventually } from './eventually.ts'
import { quote } from './shell.ts'

/** A program in a real terminal. */
export interface Tmux {
  /** Presses keys, one after the other: texts, or tmux's names such as `Enter`, `C-c`, `Down`. */
  press(...keys: string[]): Promise<void>
  /** What the screen shows, without spaces at the ends of lines and without empty lines at its end. */
  screen(): Promise<string>
  /** All that it has shown, as long as that has not been drawn over: also what has scrolled away. */
  everything(): Promise<string>
  /** The same with the escape sequences for colours. */
  colored(): Promise<string>
  /** Waits until the screen, or what has scrolled away, shows this. Returns all of it. */
  shows(expected: RegExp | string): Promise<string>
  /** Waits until the program has ended. Returns its exit status. */
  ended(): Promise<number>
  resize(columns: number, rows: number): Promise<void>
}

export interface TmuxOptions {
  readonly columns: number
  readonly rows?: number
  /** The whole environment of the program, beside TERM. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a program in a terminal of its own, which goes away with the test. */
export const openTmux = async (
  argv: readonly string[],
  { columns, rows = 24, env = {} }: TmuxOptions,
): Promise<Tmux> => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-tmux-'))
  const socket = join(directory, 'socket')
  const tmux = async (...args: string[]): Promise<string> =>
    (await execa('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args])).stdout
  onTestFinished(async () => {
    await execa('tmux', ['-S', socket, 'kill-server'], { reject: false })
    rmSync(directory, { recursive: true })
  })
  const variables = Object.entries({
    LANG: 'C.UTF-8',
    TERM: 'screen-256color',
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    ...env,
  })
  const command = ['env', '-i', ...variables.map(([key, value]) => `${key}=${value}`), ...argv]
  // The options have to be set before the program starts: history-limit is for new panes only.
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), 'sleep infinity')
  const options = [
    ['status', 'off'],
    ['remain-on-exit', 'on'],
    ['remain-on-exit-format', ''],
    ['history-limit', '20000'],
  ]
  for (const [name = '', value = ''] of options) await tmux('set', '-g', name, value)
  await tmux('new-window', '-k', '-t', ':0', command.map(quote).join(' '))
  const capture = async (...options: string[]): Promise<string> =>
    (await tmux('capture-pane', '-p', ...options)).replace(/[ \t]+$/gm, '').trimEnd()
  const everything = () => capture('-J', '-S', '-')
  return {
    press: async (...keys) => {
      for (const key of keys) await tmux('send-keys', key)
    },
    screen: () => capture(),
    everything,
    colored: () => capture('-e', '-S', '-'),
    shows: (expected) =>
      eventually(`the terminal shows ${expected}`, async () => {
        const text = await everything()
        if (typeof expected === 'string' ? text.includes(expected) : expected.test(text)) return text
        throw new Error(`it shows\n${text}`)
      }),
    ended: async () =>
      Number(
        await eventually('the program in the terminal ends', async () => {
          const shown = await tmux('display-message', '-p', '#{pane_dead} #{pane_dead_status} #{pid}')
          const [isDead, status, server] = shown.split(' ')
          // tmux 3.3a misses the end of some children, until it hears of another one.
          if (isDead === '1' && status === '') process.kill(Number(server), 'SIGCHLD')
          if (!status) throw new Error(`it shows\n${await everything()}`)
          return status
        }),
      ),
    resize: async (width, height) => {
      await tmux('resize-window', '-x', String(width), '-y', String(height))
    },
  }
}
