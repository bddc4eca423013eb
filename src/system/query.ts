import { type RunResult, tryRun } from './process.ts'

/** A program to run without a shell. */
export interface Command {
  readonly program: string
  readonly args: readonly string[]
  /** For its standard input, in whole lines; by default it is empty. */
  readonly input?: string
}

/** Programs that change nothing, and what their results mean, in the same order. */
export interface Query<T> {
  readonly commands: readonly Command[]
  readonly parse: (results: readonly RunResult[]) => T
}

/** The result of a program that was not run. */
export const NOT_RUN: RunResult = { exitCode: 127, stdout: '', stderr: '' }

/** Asks nobody. */
export const nothing: Query<null> = { commands: [], parse: () => null }

type Answers<Queries extends readonly Query<unknown>[]> = {
  -readonly [Index in keyof Queries]: Queries[Index] extends Query<infer T> ? T : never
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/**
 * After each program's output comes a zero byte; on stderr also its exit code, with another. No process is made for a program that
 * is not installed.
 */
const asScript = ({ program, args, input }: Command): string => {
  const words = [program, ...args].map(quote).join(' ')
  const stdin = input === undefined ? '</dev/null' : `<<'END_OF_INPUT'\n${input}END_OF_INPUT`
  return `status=127
if command -v ${quote(program)} >/dev/null; then ${words} ${stdin}
status=$?; else echo ${quote(`${program}: not found`)} >&2; fi
printf '\\0'; printf '\\0%s\\0' "$status" >&2`
}

/**
 * Runs programs by one shell, one after the other: each program that node itself starts takes 4 ms of processor time, since
 * its whole memory is marked for copying. Never throws: see tryRun.
 */
export const runAll = async (commands: readonly Command[]): Promise<RunResult[]> => {
  if (commands.length === 0) return []
  const purpose = [...new Set(commands.map(({ program }) => program))].join(', ')
  // As its input, since an argument cannot have more than 128 KiB.
  const input = `${commands.map(asScript).join('\n')}\n`
  const { stdout, stderr, exitCode } = await tryRun('sh', [], { purpose, input })
  const outputs = stdout.split('\0')
  const errors = stderr.split('\0')
  return commands.map((_, index): RunResult => {
    const status = errors[2 * index + 1]
    const reason = errors[2 * index] ?? errors.at(-1) ?? ''
    return { exitCode: Number(status ?? exitCode), stdout: outputs[index] ?? '', stderr: reason }
  })
}

/** Asks all of them by one shell. Never throws. */
export const askAll = async <const Queries extends readonly Query<unknown>[]>(
  ...queries: Queries
): Promise<Answers<Queries>> => {
  const results = await runAll(queries.flatMap(({ commands }) => commands))
  let first = 0
  return queries.map(({ commands: { length }, parse }) => {
    first += length
    return parse(results.slice(first - length, first))
  }) as Answers<Queries>
}

/** Asks one of them. */
export const ask = async <T>(query: Query<T>): Promise<T> => {
  const [answer] = await askAll(query)
  return answer
}
