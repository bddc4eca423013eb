import { tellWaitsTo } from '../host/waiting.ts'
import { isError, type Problem, renderProblem } from '../problem.ts'
import { readableBytes, readableJson, readableMessage, readableWords } from '../readable.ts'

/** The exit codes of the contract. */
export const EXIT = { ok: 0, failed: 1, pending: 2, usage: 64, configuration: 78 } as const

export interface GlobalOptions {
  readonly config?: string
  readonly root: string
  /** The release of a tree that is a copy of /etc, and does not tell. */
  readonly release?: string
  readonly json?: boolean
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly color: boolean
}

/** Version of the JSON document on stdout; it changes when a field changes its meaning or goes away. */
export const JSON_VERSION = 3

export interface Output {
  /** Results: stdout, unless JSON was asked for. Text is latin1-decoded, as it may quote files. */
  readonly result: (text: string) => void
  /** Results in portward's own words, which may quote files, without colours. */
  readonly text: (text: string) => void
  /** Remarks and progress: stderr, unless quiet. */
  readonly note: (text: string) => void
  /** What went wrong: stderr, always. */
  readonly problems: (problems: readonly Problem[]) => void
  /** The one JSON document, where it was asked for. */
  readonly document: (command: string, content: object) => void
}

const COLORS = { red: 31, green: 32, yellow: 33, cyan: 36 } as const

const paint = (text: string, color: keyof typeof COLORS): string => `\u001b[${COLORS[color]}m${text}\u001b[0m`

/** Colours a diff by its line starts, and nothing else. */
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

/** One message on stderr. */
export const complain = (text: string): void => {
  process.stderr.write(`${readableMessage(text)}\n`)
}

/** Where a command writes, and tells of long waits: results on stdout, everything else on stderr. */
export const openOutput = ({ json, quiet, color }: GlobalOptions): Output => {
  const colored = (stream: NodeJS.WriteStream) =>
    color && stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
  const note = (text: string): void => {
    if (!quiet) complain(text)
  }
  tellWaitsTo(note)
  return {
    result: (text) => {
      if (json) return
      // Into a pipe or a file quoted bytes go out as they came in, so that the diff can be applied.
      if (!process.stdout.isTTY) process.stdout.write(text, 'latin1')
      else {
        const shown = readableBytes(text)
        process.stdout.write(colored(process.stdout) ? paintDiff(shown) : shown)
      }
    },
    text: (text) => {
      if (!json) process.stdout.write(readableWords(text))
    },
    note,
    problems: (problems) => {
      for (const problem of problems) {
        if (quiet && !isError(problem)) continue
        const line = readableMessage(renderProblem(problem))
        process.stderr.write(
          `${colored(process.stderr) ? paint(line, isError(problem) ? 'red' : 'yellow') : line}\n`,
        )
      }
    },
    document: (command, content) => {
      if (json)
        process.stdout.write(
          `${readableJson(JSON.stringify({ version: JSON_VERSION, command, ...content }, null, 2))}\n`,
        )
    },
  }
}
