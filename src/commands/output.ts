import type { Readable, Writable } from 'node:stream'
import { isError, type Problem, renderProblem } from '../problem.ts'
import { readableBytes, readableJson, readableMessage, readableWords } from '../readable.ts'

/** The documented exit codes. */
export const EXIT = { ok: 0, failed: 1, pending: 2, usage: 64, configuration: 78 } as const

/** Version of the JSON document on stdout; it changes when a field changes its meaning or is removed. */
export const JSON_VERSION = 3

/** The environment and streams of a run: nothing in commands/ uses those of the process directly. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
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
}

/** A list of any length in a JSON document. */
interface LongList<T> {
  readonly name: string
  readonly items: readonly T[]
  readonly asJson: (item: T) => object
}

export interface Output {
  /** Results: stdout, unless --json is given. Text is latin1-decoded, as it may quote files. */
  readonly result: (text: string) => void
  /** Results as Unicode without colours; may quote files. */
  readonly text: (text: string) => void
  /** One of many lines of a result, written with those that follow it at once. */
  readonly textLine: (text: string) => void
  /** Remarks and progress: stderr, unless quiet. */
  readonly note: (text: string) => void
  /** A message on stderr, even when quiet. */
  readonly complain: (text: string) => void
  /** Problems: stderr; when quiet, errors only. */
  readonly problems: (problems: readonly Problem[]) => void
  /** The one JSON document, with --json. The items of the list come last, one a line, and are not copied as a whole. */
  readonly document: <T>(command: string, content: object, list?: LongList<T>) => void
  /** One of many JSON documents, one a line, with --json; written as `textLine` is. */
  readonly documentLine: (command: string, content: object) => void
}

const COLORS = { red: 31, green: 32, yellow: 33, cyan: 36 } as const

const paint = (text: string, color: keyof typeof COLORS): string => `\u001b[${COLORS[color]}m${text}\u001b[0m`

/** Colours the lines of a diff by their first characters. */
const paintDiff = (text: string): string =>
  text.replace(/^(?:(\+.*)|(-.*)|(@@.*))$/gm, (line, added?: string, removed?: string) =>
    paint(line, added !== undefined ? 'green' : removed !== undefined ? 'red' : 'cyan'),
  )

export const problemAsJson = ({ severity, code, message, hint, at }: Problem): object => ({
  severity,
  code,
  message,
  hint,
  path: at.path,
  ...(at.line === undefined ? {} : { line: at.line }),
})

/** Whether to use colours on one of the terminal's streams. */
export const isColored = (
  { color, terminal }: Pick<GlobalOptions, 'color' | 'terminal'>,
  stream: 'stdout' | 'stderr',
): boolean =>
  color && terminal[stream].isTTY === true && !terminal.env['NO_COLOR'] && terminal.env['TERM'] !== 'dumb'

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
export const openOutput = (options: Pick<GlobalOptions, 'json' | 'quiet' | 'color' | 'terminal'>): Output => {
  const { json, quiet } = options
  const { stdout, stderr } = options.terminal
  const batch = createBatch((text) => {
    stdout.write(json ? readableJson(text) : readableWords(text))
  })
  const complain = (text: string): void => {
    batch.flush()
    stderr.write(`${readableMessage(text)}\n`)
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
    result: (text) => {
      if (json) return
      batch.flush()
      // To a pipe or a file quoted bytes are written unchanged, so that the diff can be applied.
      if (!stdout.isTTY) stdout.write(text, 'latin1')
      else stdout.write(isColored(options, 'stdout') ? paintDiff(readableBytes(text)) : readableBytes(text))
    },
    text: (text) => {
      batch.flush()
      if (!json) stdout.write(readableWords(text))
    },
    textLine: (text) => {
      if (!json) batch.add(text)
    },
    note: (text) => {
      if (!quiet) complain(text)
    },
    complain,
    problems: (problems) => {
      batch.flush()
      for (const problem of problems) {
        if (quiet && !isError(problem)) continue
        const line = readableMessage(renderProblem(problem))
        const color = isError(problem) ? 'red' : 'yellow'
        stderr.write(`${isColored(options, 'stderr') ? paint(line, color) : line}\n`)
      }
    },
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
