import type { Readable, Writable } from 'node:stream'
import { isError, type Problem, renderProblem } from '../problem.ts'
import { readableBytes, readableJson, readableMessage, readableWords } from '../readable.ts'

/** The exit codes of the contract. */
export const EXIT = { ok: 0, failed: 1, pending: 2, usage: 64, configuration: 78 } as const

/** Version of the JSON document on stdout; it changes when a field changes its meaning or goes away. */
export const JSON_VERSION = 3

/** What a run has of the process that it runs in: nothing in commands/ asks the process itself. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

/** The exit code where the problems keep a plan from being made. */
export const exitOver = ({ isConfigurationWrong }: { readonly isConfigurationWrong: boolean }): number =>
  isConfigurationWrong ? EXIT.configuration : EXIT.failed

export interface GlobalOptions {
  readonly terminal: Terminal
  readonly config?: string
  readonly root: string
  /** The release of a tree that is a copy of /etc and does not show it. */
  readonly release?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly color: boolean
}

export interface Output {
  /** Results: stdout, unless JSON was asked for. Text is latin1-decoded, as it may quote files. */
  readonly result: (text: string) => void
  /** Results in portward's own words, which may quote files, without colours. */
  readonly text: (text: string) => void
  /** Remarks and progress: stderr, unless quiet. */
  readonly note: (text: string) => void
  /** A message on stderr, even when quiet. */
  readonly complain: (text: string) => void
  /** Problems: stderr; when quiet, errors only. */
  readonly problems: (problems: readonly Problem[]) => void
  /** The one JSON document, if it was asked for. */
  readonly document: (command: string, content: object) => void
  /** One JSON document of many, a line each, if they were asked for. */
  readonly documentLine: (command: string, content: object) => void
}

const COLORS = { red: 31, green: 32, yellow: 33, cyan: 36 } as const

const paint = (text: string, color: keyof typeof COLORS): string => `\u001b[${COLORS[color]}m${text}\u001b[0m`

/** Colours the lines of a diff by how they start. */
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

/** Where a command writes: results on stdout, everything else on stderr. */
export const openOutput = (options: Pick<GlobalOptions, 'json' | 'quiet' | 'color' | 'terminal'>): Output => {
  const { json, quiet } = options
  const { stdout, stderr } = options.terminal
  const complain = (text: string): void => {
    stderr.write(`${readableMessage(text)}\n`)
  }
  const writeJson = (command: string, content: object, indent?: number): void => {
    if (json)
      stdout.write(
        `${readableJson(JSON.stringify({ version: JSON_VERSION, command, ...content }, null, indent))}\n`,
      )
  }
  return {
    result: (text) => {
      if (json) return
      // Into a pipe or a file, quoted bytes go out as they came in, so that the diff can be applied.
      if (!stdout.isTTY) stdout.write(text, 'latin1')
      else stdout.write(isColored(options, 'stdout') ? paintDiff(readableBytes(text)) : readableBytes(text))
    },
    text: (text) => {
      if (!json) stdout.write(readableWords(text))
    },
    note: (text) => {
      if (!quiet) complain(text)
    },
    complain,
    problems: (problems) => {
      for (const problem of problems) {
        if (quiet && !isError(problem)) continue
        const line = readableMessage(renderProblem(problem))
        const color = isError(problem) ? 'red' : 'yellow'
        stderr.write(`${isColored(options, 'stderr') ? paint(line, color) : line}\n`)
      }
    },
    document: (command, content) => writeJson(command, content, 2),
    documentLine: writeJson,
  }
}
