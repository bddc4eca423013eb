import type { Readable, Writable } from 'node:stream'
import { isError, type Problem, renderProblem } from '../problem.ts'
import { readableBytes, readableJson, readableMessage, readableWords } from '../readable.ts'
import { asAscii, cut, isUtf8, paint, styled, withoutStyles, wrap } from '../styled.ts'
import { drawStatus, eraseStatus } from './status-line.ts'

/** The documented exit codes. */
export const EXIT = { ok: 0, failed: 1, pending: 2, usage: 64, configuration: 78 } as const

/** Version of the JSON document on stdout; it changes when a field changes its meaning or is removed. */
export const JSON_VERSION = 3

/** The environment and streams of a run: nothing in commands/ uses those of the process directly. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Stream
  readonly stderr: Stream
  /** Shows text with a pager, a command for sh, if stdout is this process's terminal. Returns whether it could be started. */
  readonly showInPager?: (command: string, text: string) => Promise<boolean>
}

type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }

/** The size of what a stream writes to, in characters. What is not a terminal has lines of any length, unless $COLUMNS says otherwise. */
interface Screen {
  readonly columns: number
  readonly rows: number
  readonly isTerminal: boolean
}

export const screenOf = ({ isTTY, columns, rows }: Stream, env: Terminal['env']): Screen =>
  isTTY === true
    ? { columns: columns || 80, rows: rows || 24, isTerminal: true }
    : {
        columns: Number(env['COLUMNS']) || Number.POSITIVE_INFINITY,
        rows: Number.POSITIVE_INFINITY,
        isTerminal: false,
      }

/** The exit code if there is no plan because of problems. */
export const exitOver = ({ isConfigurationWrong }: { readonly isConfigurationWrong: boolean }): number =>
  isConfigurationWrong ? EXIT.configuration : EXIT.failed

export interface GlobalOptions {
  readonly terminal: Terminal
  readonly config?: string
  readonly root: string
  /** The release for a tree that is a copy of /etc and does not show it. */
  readonly release?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly color: boolean
  /** Whether a long result goes through the pager. */
  readonly pager?: boolean
}

/** A list of any length in a JSON document. */
interface LongList<T> {
  readonly name: string
  readonly items: readonly T[]
  readonly asJson: (item: T) => object
}

export interface Output {
  /** Of stdout. */
  readonly screen: Screen
  /** Results: stdout, unless --json is given. Text is latin1-decoded, as it may quote files; lines of a diff are coloured. */
  readonly result: (text: string) => void
  /** The same, by the pager if it is longer than the screen. */
  readonly page: (text: string) => Promise<void>
  /** Results as Unicode, wrapped to the screen; may quote files. */
  readonly text: (text: string) => void
  /** One of many lines of a result, written with those that follow it at once. */
  readonly textLine: (text: string) => void
  /** Remarks and progress: stderr, unless quiet. */
  readonly note: (text: string) => void
  /** The line at the bottom of the terminal of stderr: it is cut to the width, and gone when anything else is written. */
  readonly status: (line: string) => void
  /** A message on stderr, even when quiet. */
  readonly complain: (text: string) => void
  /** Problems: stderr; when quiet, errors only. */
  readonly problems: (problems: readonly Problem[]) => void
  /** The codes of what was printed, with the command that explains them. For people only: scripts have the codes in --json. */
  readonly nameCodes: (codes: readonly string[]) => void
  /** The one JSON document, with --json. The items of the list come last, one a line, and are not copied as a whole. */
  readonly document: <T>(command: string, content: object, list?: LongList<T>) => void
  /** One of many JSON documents, one a line, with --json; written as `textLine` is. */
  readonly documentLine: (command: string, content: object) => void
}

/** Colours the lines of a diff by their first characters. */
const styleDiff = (text: string): string =>
  text.replace(/^(?:(\+.*)|(-.*)|(@@.*))$/gm, (line, added?: string, removed?: string) =>
    styled(added !== undefined ? 'green' : removed !== undefined ? 'red' : 'cyan', line),
  )

export const problemAsJson = ({ severity, code, message, hint, at }: Problem): object => ({
  severity,
  code,
  message,
  hint,
  path: at.path,
  ...(at.line === undefined ? {} : { line: at.line }),
})

/** Latin1-decoded bytes as they are; no file has other characters, and those become what the locale can show. */
const asBytes = (text: string, env: Terminal['env']): string =>
  text.replace(/[^\0-\xff]+/g, (own) => Buffer.from(inLocale(own, env)).toString('latin1'))

/** Whether to use colours on one of the terminal's streams. */
export const isColored = (
  { color, terminal }: Pick<GlobalOptions, 'color' | 'terminal'>,
  stream: 'stdout' | 'stderr',
): boolean =>
  color && terminal[stream].isTTY === true && !terminal.env['NO_COLOR'] && terminal.env['TERM'] !== 'dumb'

/** What portward itself writes, in the characters of the locale. */
export const inLocale = (text: string, env: Terminal['env']): string => (isUtf8(env) ? text : asAscii(text))

/** One write for so many characters: it takes as long as to make twenty lines. */
const BATCH = 65_536

/** Collects texts that come one right after the other; writes them before anything else happens, or when there are enough. */
const createBatch = (write: (text: string) => void) => {
  let pending = ''
  const flush = (): void => {
    if (pending !== '') write(pending)
    pending = ''
  }
  const add = (text: string): void => {
    if (pending === '') queueMicrotask(flush)
    pending += text
    if (pending.length >= BATCH) flush()
  }
  return { add, flush }
}

/** Where a command writes: results on stdout, everything else on stderr. */
export const openOutput = (
  options: Pick<GlobalOptions, 'json' | 'quiet' | 'color' | 'pager' | 'terminal'>,
): Output => {
  const { json, quiet, terminal } = options
  const { stdout, stderr, env } = terminal
  const screen = screenOf(stdout, env)
  // What reads messages elsewhere, such as a log, gets each on one line, whatever $COLUMNS says about stdout.
  const messageColumns = screenOf(stderr, {}).columns
  const asTyped = (text: string): string => inLocale(text, env)
  const asColored = (text: string, stream: 'stdout' | 'stderr'): string =>
    isColored(options, stream) ? paint(text) : withoutStyles(text)
  /** Readable text as this stream shows it. */
  const show = (text: string, stream: 'stdout' | 'stderr', columns = Infinity, indent = 0): string =>
    asColored(wrap(asTyped(text), columns, indent), stream)
  const write = (stream: 'stdout' | 'stderr', text: string, encoding: 'latin1' | 'utf8' = 'utf8'): void => {
    eraseStatus()
    terminal[stream].write(text, encoding)
  }
  const shownText = (text: string): string => show(readableWords(text), 'stdout', screen.columns, 2)
  const batch = createBatch((text) => {
    write('stdout', json ? readableJson(text) : shownText(text))
  })
  const complain = (text: string): void => {
    batch.flush()
    write('stderr', `${show(readableMessage(text), 'stderr', messageColumns, 4)}\n`)
  }
  /** The text of a result for a terminal. */
  const shownResult = (text: string): string => show(styleDiff(readableBytes(text)), 'stdout')
  const result = (text: string): void => {
    if (json) return
    batch.flush()
    // To a pipe or a file quoted bytes are written unchanged, so that a diff can be applied.
    if (screen.isTerminal) write('stdout', shownResult(text))
    else write('stdout', asBytes(withoutStyles(text), env), 'latin1')
  }
  const nameCodes = (codes: readonly string[]): void => {
    if (codes.length === 0 || !stderr.isTTY || quiet || json) return
    complain(styled('dim', `portward explain-problem ${[...new Set(codes)].join(' ')} says more`))
  }
  const jsonOf = (command: string, content: object, indent?: number): string =>
    JSON.stringify({ version: JSON_VERSION, command, ...content }, null, indent)
  const writeList = <T>({ name, items, asJson }: LongList<T>): void => {
    batch.add(`,\n  "${name}": [`)
    for (const [index, item] of items.entries())
      batch.add(`${index === 0 ? '' : ','}\n    ${JSON.stringify(asJson(item))}`)
    batch.add('\n  ]')
  }
  return {
    screen,
    result,
    page: async (text) => {
      // Debian's `pager` may be more(1), which breaks lines where it counts colours.
      const command = env['PAGER'] ?? 'less'
      const isLong = screen.isTerminal && text.split('\n').length > screen.rows
      const isWanted = isLong && !json && options.pager !== false && command !== '' && env['TERM'] !== 'dumb'
      eraseStatus()
      if (!isWanted || !(await terminal.showInPager?.(command, shownResult(text)))) result(text)
    },
    text: (text) => {
      batch.flush()
      if (!json) write('stdout', shownText(text))
    },
    textLine: (text) => {
      if (!json) batch.add(text)
    },
    note: (text) => {
      if (!quiet) complain(text)
    },
    complain,
    status: (line) => {
      const { columns } = screenOf(stderr, env)
      const text = readableWords(line).replace(/[\n\t]+/g, ' ')
      drawStatus(stderr, asColored(asTyped(cut(asTyped(text), columns - 1)), 'stderr'))
    },
    problems: (problems) => {
      const shown = problems.filter((problem) => !quiet || isError(problem))
      for (const problem of shown)
        complain(styled(isError(problem) ? 'red' : 'yellow', renderProblem(problem)))
      nameCodes(shown.map(({ code }) => code))
    },
    nameCodes,
    document: (command, content, list) => {
      if (!json) return
      batch.add(jsonOf(command, content, 2).slice(0, -'\n}'.length))
      if (list !== undefined) writeList(list)
      batch.add('\n}\n')
      batch.flush()
    },
    documentLine: (command, content) => {
      if (json) batch.add(`${jsonOf(command, content)}\n`)
    },
  }
}
