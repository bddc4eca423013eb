import { PassThrough, Readable, Writable } from 'node:stream'
import type { Terminal } from '../../src/commands/output.ts'
import { run } from '../../src/commands/run.ts'
import { documentsOf } from '../documents.ts'

export interface Result {
  readonly status: number
  readonly stdout: string
  /** stdout decoded as latin1: a diff quotes the files' bytes. */
  readonly bytes: string
  readonly stderr: string
}

/** A stream that is not a terminal and keeps what is written to it. */
const recorder = () => {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      chunks.push(chunk)
      done()
    },
  })
  // Like those of a process, it cannot be ended.
  stream.end = () => stream
  return { stream, bytes: () => Buffer.concat(chunks), sizes: () => chunks.map(({ length }) => length) }
}

/** Of a command that is told no other environment. */
const ENVIRONMENT: Terminal['env'] = { LANG: 'C.UTF-8' }

/** Streams for a command; `texts` has what was written so far. */
export const createTerminal = (
  env: Terminal['env'] = ENVIRONMENT,
  stdin: Readable = Readable.from([]),
  screen: { readonly isTTY?: true; readonly columns?: number; readonly rows?: number } = {},
): {
  readonly terminal: Terminal
  readonly texts: () => Omit<Result, 'status'>
  /** How many bytes were written to stdout at a time. */
  readonly writes: () => readonly number[]
} => {
  const [stdout, stderr] = [recorder(), recorder()]
  return {
    terminal: {
      env,
      stdin,
      stdout: Object.assign(stdout.stream, screen),
      stderr: Object.assign(stderr.stream, screen),
    },
    texts: () => ({
      stdout: stdout.bytes().toString(),
      bytes: stdout.bytes().toString('latin1'),
      stderr: stderr.bytes().toString(),
    }),
    writes: stdout.sizes,
  }
}

/**
 * Runs portward's command line in this process, with no other environment than a UTF-8 locale: to start node takes as long as a
 * plan. What it prints with --json has to be as its schema says.
 */
export const portward = async (...argv: string[]): Promise<Result> => {
  const { terminal, texts } = createTerminal()
  const status = await run({ argv, ...terminal })
  if (argv.includes('--json')) documentsOf(texts().stdout)
  return { status, ...texts() }
}

/** The same on a terminal that is so wide. `environment`: more variables. */
export const portwardOnScreen = async (
  columns: number,
  environment: Terminal['env'],
  ...argv: string[]
): Promise<Result> => {
  const screen = { isTTY: true, columns, rows: 24 } as const
  const { terminal, texts } = createTerminal({ ...ENVIRONMENT, ...environment }, undefined, screen)
  const status = await run({ argv, ...terminal })
  return { status, ...texts() }
}

/** The same on a terminal, whose user types keys once stderr shows the text before them, one after the other. */
export const converse = async (
  answers: readonly (readonly [shown: string | RegExp, keys: string])[],
  ...argv: string[]
): Promise<Result> => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const { terminal, texts } = createTerminal(ENVIRONMENT, stdin)
  const open = [...answers]
  let seen = 0
  const typing = setInterval(() => {
    const [next] = open
    const { stderr } = texts()
    if (next === undefined || stderr.slice(seen).search(next[0]) === -1) return
    seen = stderr.length
    open.shift()
    stdin.write(next[1])
  }, 10)
  try {
    const status = await run({ argv, ...terminal })
    return { status, ...texts() }
  } finally {
    clearInterval(typing)
  }
}

/** Answers the one question of a command. */
export const portwardOnTerminal = (keys: string, ...argv: string[]): Promise<Result> =>
  converse([[/\(y\/N\)/, keys]], ...argv)
